//! The rules for the claims of a token.

use std::time::Duration;

use crate::{
    clock::NumericDate,
    error::{AuthError, AuthErrorKind, ConfigError},
};

use super::{
    claim_names::ClaimNames,
    header::typ_matches,
    registered::{AudienceMatch, Registered},
    token_profile::{PERMITTED_TYPS, TokenProfile, names_access},
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
    pub(super) issuer: Option<Box<str>>,
    pub(super) audiences: Option<Vec<Box<str>>>,
    pub(super) required: Vec<Box<str>>,
    pub(super) longest_lifetime: Option<Duration>,
    pub(super) header_typ: Option<Box<str>>,
    pub(super) jti_optional: bool,
    pub(super) user_id_optional: bool,
    /// Whether the rules of PyJWT apply: `exp` is optional, and `sid`, `scope`, `scp`, `auth_time`
    /// and `user_epoch` are application claims.
    pub(super) as_pyjwt: bool,
    /// A member that may be duplicate, because it is never read.
    pub(super) may_repeat: Option<&'static str>,
}

impl Rules {
    pub(super) const fn names(&self) -> &ClaimNames {
        &self.names
    }

    pub(super) fn accepts_audience(&self, audience: &str) -> bool {
        self.audiences.iter().flatten().any(|accepted| **accepted == *audience)
    }

    pub(super) fn required_claims(&self) -> impl Iterator<Item = &str> {
        self.required.iter().map(AsRef::as_ref)
    }

    pub(super) fn check_config(&self) -> Result<(), ConfigError> {
        self.names.check()?;
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
            |list: &Vec<Box<str>>| list.is_empty() || list.iter().any(|name| name.is_empty());
        if self.audiences.as_ref().is_some_and(is_empty) {
            return Err(ConfigError::ineffective(
                "`audiences` must not be empty, nor contain an empty string",
            ));
        }
        if self.issuer.as_ref().is_some_and(|issuer| issuer.is_empty()) {
            return Err(ConfigError::ineffective("`issuer` must not be empty"));
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
            None if !self.profile.permits_typ(typ) => {
                Err(violation::wrong_typ("profile", PERMITTED_TYPS))
            }
            _ => Ok(()),
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
        if let Some(expected) = &self.issuer {
            let issuer = claims.issuer.as_ref().map(|issuer| issuer.resolve(payload));
            if issuer != Some(expected) {
                return Err(violation::wrong_issuer([&**expected], issuer));
            }
        }
        if let Some(accepted) = &self.audiences
            && claims.audience != AudienceMatch::Accepted
        {
            return Err(violation::wrong_audience(accepted));
        }
        let token_type = claims.token_type.as_ref();
        if let Some(accepted) = &self.token_types
            && !token_type.is_some_and(|token_type| accepted.contains(token_type))
        {
            let name = self.names.token_type();
            return Err(violation::wrong_token_type(name, accepted));
        }
        if self.profile == TokenProfile::Plain {
            let is_other = token_type.is_some_and(|token_type| !names_access(token_type.as_str()));
            let other = claims.other_use.or(is_other.then(|| self.names.token_type()));
            if let Some(name) = other {
                return Err(violation::other_use(name));
            }
        }
        if let Some(longest) = self.longest_lifetime {
            let within = claims.issued_at.is_some_and(|issued_at| {
                claims.expires_at.saturating_duration_since(issued_at) <= longest
            });
            if !within {
                return Err(violation::too_long_lived(longest));
            }
        }
        if claims.jti.is_none() && !self.jti_optional {
            return Err(violation::missing(self.names.jti(), "optional_jti"));
        }
        if claims.user_id.is_empty() && !self.user_id_optional {
            return Err(violation::missing(self.names.user_id(), "optional_user_id"));
        }
        // A token bound to a key requires a proof of possession, which a bearer token lacks.
        if claims.is_bound {
            return Err(violation::bound());
        }
        Ok(())
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
