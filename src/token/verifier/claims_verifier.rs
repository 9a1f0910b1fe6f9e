//! The claims of a token whose origin is known: reading them, and the rules for them.

use std::sync::Arc;

use serde::de::DeserializeOwned;

use crate::{
    clock::{Clock, NumericDate},
    error::{AuthError, AuthErrorKind, ErrorDetails},
};

use super::super::{
    claims::Claims,
    claims_type::rejected_by,
    payload::{self, PayloadError},
    private_markers::has_private_marker,
    reader::read_registered,
    registered::Registered,
    validation::Rules,
};

pub(in crate::token) type ClaimsCheck<C> = Arc<dyn Fn(&Claims<C>) -> bool + Send + Sync>;

/// The rules for claims, and the application's checks.
pub(in crate::token) struct ClaimsVerifier<C> {
    pub(in crate::token) rules: Rules,
    pub(in crate::token) clock: Clock,
    pub(in crate::token) checks: Vec<ClaimsCheck<C>>,
}

impl<C> ClaimsVerifier<C> {
    /// Checks again what may have changed since the claims were verified.
    pub(in crate::token) fn verify_again(&self, claims: &Claims<C>) -> Result<(), AuthError> {
        self.rules.check_times(claims.registered(), self.clock.now())?;
        self.run_checks(claims)
    }

    fn run_checks(&self, claims: &Claims<C>) -> Result<(), AuthError> {
        match self.checks.iter().position(|check| !check(claims)) {
            None => Ok(()),
            Some(index) => Err(AuthError::with_details(
                AuthErrorKind::CheckFailed,
                ErrorDetails {
                    rule: Some(format!("check number {}", index + 1).into()),
                    setting: Some("check"),
                    ..ErrorDetails::default()
                },
            )),
        }
    }
}

impl<C: DeserializeOwned> ClaimsVerifier<C> {
    /// Reads and checks all claims of `payload`.
    #[inline]
    pub(in crate::token) fn verify(&self, payload: String) -> Result<Claims<C>, AuthError> {
        let claims = self.read(payload)?;
        self.run_checks(&claims)?;
        Ok(claims)
    }

    #[inline]
    fn read(&self, payload: String) -> Result<Claims<C>, AuthError> {
        check_markers(&payload)?;
        let now = self.clock.now();
        let mut registered = self.rules.initial_claims();
        match payload::read(&payload, &self.rules, now, &mut registered) {
            Ok(custom) => {
                self.rules.check(&registered, &payload, now)?;
                Ok(Claims::new(payload, registered, self.rules.issuer_names(), custom))
            }
            Err(PayloadError::Expired) => Err(AuthErrorKind::Expired.into()),
            Err(PayloadError::Inconclusive) => {
                let registered = self.registered(&payload, now)?;
                let custom =
                    serde_json::from_str(&payload).map_err(|_| rejected_by::<C>(&payload))?;
                Ok(Claims::new(payload, registered, self.rules.issuer_names(), custom))
            }
        }
    }

    /// Checks the registered claims of `payload`.
    pub(in crate::token) fn verify_registered(&self, payload: &str) -> Result<(), AuthError> {
        check_markers(payload)?;
        self.registered(payload, self.clock.now()).map(drop)
    }

    fn registered(&self, payload: &str, now: NumericDate) -> Result<Registered, AuthError> {
        let registered = read_registered(payload, &self.rules, now)?;
        self.rules.check(&registered, payload, now)?;
        Ok(registered)
    }
}

fn check_markers(payload: &str) -> Result<(), AuthError> {
    if !has_private_marker(payload.as_bytes()) {
        return Ok(());
    }
    let rule = Some("no private markers of serde_json".into());
    let details = ErrorDetails { rule, ..ErrorDetails::default() };
    Err(AuthError::with_details(AuthErrorKind::InvalidClaims, details))
}
