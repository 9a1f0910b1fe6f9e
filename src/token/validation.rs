//! The rules a token's claims must meet, compiled once.

use std::time::Duration;

use crate::{
    clock::NumericDate,
    error::{AuthErrorKind, ConfigError},
};

use super::{
    claim_names::ClaimNames,
    header::typ_matches,
    registered::{AudienceMatch, Registered},
    token_profile::{TokenProfile, names_access},
    token_type::TokenType,
};

/// More than this and an expired token lives on for no reason that clocks could have.
pub(crate) const MAX_LEEWAY: Duration = Duration::from_secs(300);

/// What is demanded of registered claims.
#[derive(Clone, Default)]
pub(super) struct Rules {
    pub(super) profile: TokenProfile,
    pub(super) names: ClaimNames,
    pub(super) leeway: Duration,
    /// The accepted types; none stands for any.
    pub(super) token_types: Option<Vec<TokenType>>,
    pub(super) issuer: Option<Box<str>>,
    pub(super) audiences: Option<Vec<Box<str>>>,
    pub(super) required: Vec<Box<str>>,
    pub(super) longest_lifetime: Option<Duration>,
    pub(super) header_typ: Option<Box<str>>,
    pub(super) jti_optional: bool,
    pub(super) user_id_optional: bool,
    /// Whether claims mean what PyJWT takes them for: `exp` may be missing, and `sid`, `scope`, `scp`,
    /// `auth_time` and `user_epoch` are the application's own.
    pub(super) as_pyjwt: bool,
    /// A member that tokens may repeat, since nobody reads it.
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
            return Err(ConfigError::out_of_range("the leeway must not exceed five minutes"));
        }
        if self.token_types.as_ref().is_some_and(Vec::is_empty) {
            return Err(ConfigError::ineffective("the list of accepted token types is empty"));
        }
        let lacks_names =
            |list: &Vec<Box<str>>| list.is_empty() || list.iter().any(|name| name.is_empty());
        if self.audiences.as_ref().is_some_and(lacks_names) {
            return Err(ConfigError::ineffective(
                "the list of accepted audiences, or one of them, is empty",
            ));
        }
        if self.issuer.as_ref().is_some_and(|issuer| issuer.is_empty()) {
            return Err(ConfigError::ineffective("the issuer is empty"));
        }
        if self.header_typ.as_ref().is_some_and(|typ| typ_matches(Some(""), typ)) {
            return Err(ConfigError::ineffective("the header type is empty"));
        }
        if self.longest_lifetime.is_some_and(|longest| longest.as_secs() == 0) {
            return Err(ConfigError::out_of_range(
                "the longest lifetime must be at least a second",
            ));
        }
        Ok(())
    }

    pub(super) fn check_typ(&self, typ: Option<&str>) -> Result<(), AuthErrorKind> {
        match &self.header_typ {
            Some(expected) if !typ_matches(typ, expected) => Err(AuthErrorKind::WrongTokenType),
            None if !self.profile.permits_typ(typ) => Err(AuthErrorKind::WrongTokenType),
            _ => Ok(()),
        }
    }

    /// Checks `claims`, whose texts stand in `payload`.
    pub(super) fn check(
        &self,
        claims: &Registered,
        payload: &str,
        now: NumericDate,
    ) -> Result<(), AuthErrorKind> {
        self.check_times(claims, now)?;
        if let Some(expected) = &self.issuer {
            let issuer = claims.issuer.as_ref().map(|issuer| issuer.resolve(payload));
            if issuer != Some(expected) {
                return Err(AuthErrorKind::WrongIssuer);
            }
        }
        if self.audiences.is_some() && claims.audience != AudienceMatch::Accepted {
            return Err(AuthErrorKind::WrongAudience);
        }
        if let Some(accepted) = &self.token_types {
            let token_type = claims.token_type.as_ref();
            if !token_type.is_some_and(|token_type| accepted.contains(token_type)) {
                return Err(AuthErrorKind::WrongTokenType);
            }
        }
        if self.profile == TokenProfile::Plain {
            let token_type = claims.token_type.as_ref();
            let refuses = token_type.is_some_and(|token_type| !names_access(token_type.as_str()));
            if refuses || claims.is_for_other_use {
                return Err(AuthErrorKind::WrongTokenType);
            }
        }
        if let Some(longest) = self.longest_lifetime {
            let within = claims.issued_at.is_some_and(|issued_at| {
                claims.expires_at.saturating_duration_since(issued_at) <= longest
            });
            if !within {
                return Err(AuthErrorKind::InvalidClaims);
            }
        }
        let lacks_id = (claims.jti.is_none() && !self.jti_optional)
            || (claims.user_id.is_empty() && !self.user_id_optional);
        // A token bound to a key is worth nothing without the proof, which a Bearer token lacks.
        if lacks_id || claims.is_bound {
            return Err(AuthErrorKind::InvalidClaims);
        }
        Ok(())
    }

    /// Whether a token that expires then is not to be accepted any more.
    pub(super) fn is_expired(&self, expires_at: NumericDate, now: NumericDate) -> bool {
        // RFC 7519 section 4.1.4: not to be accepted "on or after" the expiry.
        now >= expires_at.saturating_add(self.leeway)
    }

    /// Checks those rules whose outcome changes while a token lives.
    pub(super) fn check_times(
        &self,
        claims: &Registered,
        now: NumericDate,
    ) -> Result<(), AuthErrorKind> {
        if self.is_expired(claims.expires_at, now) {
            return Err(AuthErrorKind::Expired);
        }
        let latest = now.saturating_add(self.leeway);
        if claims.not_before.is_some_and(|date| date > latest)
            || claims.issued_at.is_some_and(|date| date > latest)
        {
            return Err(AuthErrorKind::NotYetValid);
        }
        Ok(())
    }
}
