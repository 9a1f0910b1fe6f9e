//! The rules for the claims of a token.

use std::{sync::Arc, time::Duration};

use crate::{
    clock::NumericDate,
    error::{AuthError, AuthErrorKind, ConfigError},
};

use super::{
    claim_names::ClaimNames,
    header::typ_matches,
    logout_token::{MAX_AGE, has_logout_event},
    registered::{AudienceMatch, ClientMatch, MarkClaim, PayloadStr, Registered, UseMarks},
    token_profile::TokenProfile,
    token_type::TokenType,
    violation,
};

/// No two clocks should differ by more, and an expired token is accepted for as long.
pub(crate) const MAX_LEEWAY: Duration = Duration::from_secs(300);

/// The rules for the registered claims.
#[derive(Clone, Default)]
pub(super) struct Rules {
    pub(super) profile: TokenProfile,
    pub(super) names: ClaimNames,
    pub(super) leeway: Duration,
    /// The tolerance for `nbf`, `iat` and `auth_time`, unless the leeway is larger.
    pub(super) clock_skew: Duration,
    /// The accepted types. `None` accepts every type, and tokens without a type.
    pub(super) token_types: Option<Vec<TokenType>>,
    /// The names of the issuer.
    pub(super) issuers: Option<Arc<[Box<str>]>>,
    pub(super) audiences: Option<Vec<Box<str>>>,
    /// The accepted values of `client_id` and `azp`.
    pub(super) clients: Option<Vec<Box<str>>>,
    pub(super) required: Vec<Box<str>>,
    /// In bytes.
    pub(super) max_user_id_len: usize,
    pub(super) longest_lifetime: Option<Duration>,
    pub(super) header_typ: Option<Box<str>>,
    pub(super) jti_optional: bool,
    pub(super) user_id_optional: bool,
    /// Whether the rules of PyJWT apply: `exp` is optional, and `sid`, `scope`, `scp`, `auth_time`,
    /// `amr`, `acr` and `user_epoch` are application claims.
    pub(super) as_pyjwt: bool,
    pub(super) exp_optional: bool,
    /// Whether the claims are those of an introspection response: without accepted audiences, `aud` is
    /// not checked.
    pub(super) introspected: bool,
    /// The issuer of tokens without `iss`.
    pub(super) default_issuer: Option<Box<str>>,
    /// A member that may be duplicate, because it is never read.
    pub(super) may_repeat: Option<&'static str>,
}

impl Rules {
    pub(super) const fn names(&self) -> &ClaimNames {
        &self.names
    }

    /// The claims before any is read.
    pub(super) fn initial_claims(&self) -> Registered {
        let issuer = self.default_issuer.clone().map(PayloadStr::Owned);
        Registered { issuer, ..Registered::empty() }
    }

    pub(super) fn accepts_issuer(&self, issuer: &str) -> bool {
        self.issuers.as_deref().unwrap_or_default().iter().any(|accepted| **accepted == *issuer)
    }

    /// The names of the issuer if it has several.
    pub(super) fn issuer_names(&self) -> Option<Arc<[Box<str>]>> {
        self.issuers.as_ref().filter(|names| names.len() > 1).cloned()
    }

    pub(super) fn accepts_audience(&self, audience: &str) -> bool {
        self.audiences.iter().flatten().any(|accepted| **accepted == *audience)
    }

    pub(super) fn accepts_client(&self, client: &str) -> bool {
        let is_audience = self.profile == TokenProfile::IdToken && self.accepts_audience(client);
        is_audience || self.clients.iter().flatten().any(|accepted| **accepted == *client)
    }

    /// Whether a rule uses `aud`.
    pub(super) fn uses_audience(&self) -> bool {
        self.audiences.is_some() || self.excludes_audiences()
    }

    /// Whether tokens must not have an audience. Every ID token has one, so this distinguishes them
    /// from access tokens without.
    fn excludes_audiences(&self) -> bool {
        self.profile == TokenProfile::Plain && self.audiences.is_none() && !self.introspected
    }

    /// Whether an issuer of this crate may accept these tokens in exchange for others.
    pub(super) fn accepts_refresh_tokens(&self) -> bool {
        let is_refresh =
            |token_type: &TokenType| [TokenType::Refresh, TokenType::Sliding].contains(token_type);
        self.profile == TokenProfile::SimpleJwt
            && self.token_types.as_ref().is_none_or(|types| types.iter().any(is_refresh))
    }

    pub(super) fn required_claims(&self) -> impl Iterator<Item = &str> {
        self.required.iter().map(AsRef::as_ref)
    }

    pub(super) fn check_config(&self) -> Result<(), ConfigError> {
        self.names.check()?;
        let is_id_token = self.profile == TokenProfile::IdToken;
        let is_read = |name: &str| match name {
            "client_id" => self.clients.is_some(),
            "azp" => self.clients.is_some() || is_id_token,
            "nonce" => is_id_token,
            _ => false,
        };
        if [self.names.user_id(), self.names.token_type(), self.names.jti()]
            .into_iter()
            .any(is_read)
        {
            return Err(ConfigError::conflict(
                "claim names must not be those of claims that the profile or `clients` reads",
            ));
        }
        if self.leeway > MAX_LEEWAY {
            return Err(ConfigError::out_of_range("`leeway` must be at most 300 seconds"));
        }
        if self.clock_skew > MAX_LEEWAY {
            return Err(ConfigError::out_of_range("`clock_skew` must be at most 300 seconds"));
        }
        if self.token_types.as_ref().is_some_and(Vec::is_empty) {
            return Err(ConfigError::ineffective("`token_types` must not be empty"));
        }
        let is_empty =
            |list: &[Box<str>]| list.is_empty() || list.iter().any(|name| name.is_empty());
        if self.audiences.as_deref().is_some_and(is_empty) {
            return Err(ConfigError::ineffective(
                "`audiences` must not be empty, nor contain an empty string",
            ));
        }
        if self.issuers.as_deref().is_some_and(is_empty) {
            return Err(ConfigError::ineffective(
                "`issuers` must not be empty, nor contain an empty string",
            ));
        }
        if self.clients.as_deref().is_some_and(is_empty) {
            return Err(ConfigError::ineffective(
                "`clients` must not be empty, nor contain an empty string",
            ));
        }
        if self.max_user_id_len == 0 {
            return Err(ConfigError::out_of_range("`max_user_id_len` must be at least 1 byte"));
        }
        if self.header_typ.as_ref().is_some_and(|typ| typ_matches(Some(""), typ)) {
            return Err(ConfigError::ineffective("`header_typ` must not be empty"));
        }
        if self.longest_lifetime.is_some_and(|longest| longest.as_secs() == 0) {
            return Err(ConfigError::out_of_range(
                "`longest_lifetime` must be at least one second",
            ));
        }
        Ok(())
    }

    pub(super) fn check_typ(&self, typ: Option<&str>) -> Result<(), AuthError> {
        match &self.header_typ {
            Some(expected) if !typ_matches(typ, expected) => {
                Err(violation::wrong_typ("header_typ", [&**expected]))
            }
            Some(_) => Ok(()),
            None => match self.profile.permitted_typs() {
                Some(permitted)
                    if typ.is_some() && !permitted.iter().any(|it| typ_matches(typ, it)) =>
                {
                    Err(violation::wrong_typ("profile", permitted.iter().copied()))
                }
                _ => Ok(()),
            },
        }
    }

    /// Checks `claims`, whose strings are ranges of `payload`.
    pub(super) fn check(
        &self,
        claims: &Registered,
        payload: &str,
        now: NumericDate,
    ) -> Result<(), AuthError> {
        self.check_times(claims, now)?;
        if let Some(accepted) = &self.issuers {
            let issuer = claims.issuer.as_ref().map(|issuer| issuer.resolve(payload));
            if !issuer.is_some_and(|issuer| self.accepts_issuer(issuer)) {
                return Err(violation::wrong_issuer(accepted.iter().map(AsRef::as_ref), issuer));
            }
        }
        self.check_audience(claims)?;
        if self.clients.is_some() || self.profile == TokenProfile::IdToken {
            self.check_client(claims)?;
        }
        let token_type = claims.token_type.as_ref();
        if let Some(accepted) = &self.token_types
            && !token_type.is_some_and(|token_type| accepted.contains(token_type))
        {
            let name = self.names.token_type();
            return Err(violation::wrong_token_type(name, accepted));
        }
        if self.profile.is_foreign() {
            self.check_use(claims)?;
        }
        if let Some(longest) = self.longest_lifetime {
            let within = claims.issued_at.is_some_and(|issued_at| {
                claims.expires_at.saturating_duration_since(issued_at) <= longest
            });
            if !within {
                return Err(violation::too_long_lived(longest));
            }
        }
        if self.profile == TokenProfile::LogoutToken {
            if !has_logout_event(payload) {
                return Err(violation::no_logout_event());
            }
            if claims.user_id.is_empty() && claims.session_id.is_none() {
                return Err(violation::missing("sid", "profile"));
            }
        }
        if claims.jti.is_none() && !self.jti_optional {
            return Err(violation::missing(self.names.jti(), "optional_jti"));
        }
        if claims.user_id.is_empty() && !self.user_id_optional {
            return Err(violation::missing(self.names.user_id(), "optional_user_id"));
        }
        Ok(())
    }

    fn check_audience(&self, claims: &Registered) -> Result<(), AuthError> {
        let is_accepted = match (&self.audiences, claims.audience) {
            (None, audience) => !self.excludes_audiences() || audience == AudienceMatch::Absent,
            // OpenID Connect Core section 3.1.3.7: no audience may be unknown to the client.
            (Some(_), AudienceMatch::Mixed) => self.profile != TokenProfile::IdToken,
            (Some(_), audience) => audience == AudienceMatch::Accepted,
        };
        if is_accepted { Ok(()) } else { Err(violation::wrong_audience(self.audiences.as_deref())) }
    }

    fn check_client(&self, claims: &Registered) -> Result<(), AuthError> {
        let is_required = self.profile != TokenProfile::IdToken || claims.has_several_audiences;
        match claims.client {
            ClientMatch::Accepted => Ok(()),
            ClientMatch::Absent if !is_required => Ok(()),
            ClientMatch::Absent if self.profile == TokenProfile::IdToken => {
                Err(violation::missing("azp", "profile"))
            }
            ClientMatch::Absent => Err(violation::missing("client_id", "clients")),
            ClientMatch::Other(claim) => {
                let accepted = self.clients.as_ref().or(self.audiences.as_ref());
                Err(violation::wrong_client(claim.name(), accepted.map_or(&[], Vec::as_slice)))
            }
        }
    }

    /// Checks that nothing shows that the token has another use than the profile.
    fn check_use(&self, claims: &Registered) -> Result<(), AuthError> {
        let UseMarks { access, id_token, other } = claims.uses;
        let permits_id_token = access || self.profile == TokenProfile::IdToken;
        match other.or(id_token.filter(|_| !permits_id_token)) {
            Some(MarkClaim::TokenType) => {
                Err(violation::other_use(self.names.token_type(), self.profile))
            }
            Some(claim) => Err(violation::other_use(claim.name(), self.profile)),
            None => Ok(()),
        }
    }

    /// Returns whether a token with this `exp` has expired.
    pub(super) fn is_expired(&self, expires_at: NumericDate, now: NumericDate) -> bool {
        // RFC 7519 section 4.1.4: it must not be accepted "on or after" this time.
        now >= expires_at.saturating_add(self.leeway)
    }

    /// Checks the rules whose outcome depends on the time.
    pub(super) fn check_times(
        &self,
        claims: &Registered,
        now: NumericDate,
    ) -> Result<(), AuthError> {
        if self.is_expired(claims.expires_at, now) {
            return Err(AuthErrorKind::Expired.into());
        }
        if self.profile == TokenProfile::LogoutToken
            && now.saturating_duration_since(claims.issued_at.unwrap_or_default()) > MAX_AGE
        {
            return Err(violation::too_old(MAX_AGE));
        }
        let latest = now.saturating_add(self.leeway.max(self.clock_skew));
        let times = [
            ("nbf", claims.not_before),
            ("iat", claims.issued_at),
            ("auth_time", claims.auth_time),
        ];
        for (claim, date) in times {
            if date.is_some_and(|date| date > latest) {
                return Err(violation::not_yet_valid(claim));
            }
        }
        Ok(())
    }
}
