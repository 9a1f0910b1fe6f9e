//! Limits on attempts to log in and to refresh. Without the feature `throttle` there are none.

use std::net::IpAddr;

use axum::extract::Request;
use http::StatusCode;
use serde::{Deserialize, Serialize};
#[cfg(feature = "throttle")]
use {axum::extract::ConnectInfo, std::net::SocketAddr};

#[cfg(feature = "throttle")]
use crate::throttle::{PendingAttempt, Permit, Throttle};
use crate::{
    error::{AuthError, ConfigError},
    token::UserId,
};

/// The field of a login that names the account, unless a throttle has another one.
const ACCOUNT_FIELD: &str = "username";
/// What the codes of a user are counted as.
#[cfg(feature = "throttle")]
const CODE: &str = "code of user";

#[derive(Clone, Default)]
pub(super) struct LoginLimit {
    #[cfg(feature = "throttle")]
    throttle: Option<Throttle>,
}

/// An attempt that is permitted.
pub(super) struct LoginAttempt {
    #[cfg(feature = "throttle")]
    permit: Option<Permit>,
}

/// The claims of the token between the steps of a login: the attempt, so that the second step can
/// conclude it.
#[derive(Serialize, Deserialize)]
pub(super) struct StepClaims {
    /// The hash of the account's name in events.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) name_hash: Option<Box<str>>,
    #[cfg(feature = "throttle")]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    login_attempt: Option<PendingAttempt>,
}

#[cfg(feature = "openapi")]
impl LoginLimit {
    /// Whether attempts are limited.
    #[cfg(feature = "throttle")]
    pub(super) const fn is_set(&self) -> bool {
        self.throttle.is_some()
    }

    #[cfg(not(feature = "throttle"))]
    #[allow(clippy::unused_self, reason = "as with the feature `throttle`")]
    pub(super) const fn is_set(&self) -> bool {
        false
    }

    /// Whether attempts of an address are limited.
    #[cfg(feature = "throttle")]
    pub(super) fn counts_addresses(&self) -> bool {
        self.throttle.as_ref().is_some_and(Throttle::limits_addresses)
    }

    #[cfg(not(feature = "throttle"))]
    #[allow(clippy::unused_self, reason = "as with the feature `throttle`")]
    pub(super) const fn counts_addresses(&self) -> bool {
        false
    }
}

#[cfg(feature = "throttle")]
impl LoginLimit {
    pub(super) const fn new(throttle: Throttle) -> Self {
        Self { throttle: Some(throttle) }
    }

    /// Fails if this limit has no effect on requests that name no account.
    pub(super) fn check_limits_addresses(&self) -> Result<(), ConfigError> {
        if self.throttle.as_ref().is_some_and(|throttle| !throttle.limits_addresses()) {
            return Err(ConfigError::ineffective(
                "`refresh_throttle` requires a throttle that limits addresses",
            ));
        }
        Ok(())
    }

    /// The field of a login that names the account.
    pub(super) fn account_field(&self) -> &'static str {
        self.throttle.as_ref().map_or(ACCOUNT_FIELD, Throttle::account_field)
    }

    /// The address of the client that sent `request`, if it is known.
    pub(super) fn client_address(&self, request: &Request) -> Result<Option<IpAddr>, AuthError> {
        match &self.throttle {
            Some(throttle) => throttle.client_address(request.extensions(), request.headers()),
            None => {
                let peer = request.extensions().get::<ConnectInfo<SocketAddr>>();
                Ok(peer.map(|peer| peer.0.ip()))
            }
        }
    }

    /// Counts an attempt on an account.
    pub(super) async fn count(
        &self,
        account: Option<&str>,
        address: Option<IpAddr>,
    ) -> Result<LoginAttempt, AuthError> {
        let Some(throttle) = &self.throttle else { return Ok(LoginAttempt { permit: None }) };
        Ok(LoginAttempt { permit: Some(throttle.attempt(account, address).await?) })
    }

    /// Counts an attempt to complete a login, before its step is read.
    pub(super) async fn count_step(
        &self,
        address: Option<IpAddr>,
    ) -> Result<LoginAttempt, AuthError> {
        match (&self.throttle, address) {
            (Some(throttle), Some(address)) if throttle.limits_addresses() => {
                Ok(LoginAttempt { permit: Some(throttle.attempt(None, Some(address)).await?) })
            }
            _ => Ok(LoginAttempt { permit: None }),
        }
    }

    /// Counts a code of a user, whatever login it completes.
    pub(super) async fn count_code(&self, user_id: &UserId) -> Result<LoginAttempt, AuthError> {
        let Some(throttle) = &self.throttle else { return Ok(LoginAttempt { permit: None }) };
        let permit = throttle.attempt_by_user(CODE, user_id, None).await?;
        Ok(LoginAttempt { permit: Some(permit) })
    }

    /// The attempt of the login that a step continues.
    pub(super) fn resume(&self, claims: &StepClaims) -> LoginAttempt {
        let attempt = self.throttle.as_ref().zip(claims.login_attempt.as_ref());
        let permit = attempt.map(|(throttle, attempt)| throttle.resume(attempt));
        LoginAttempt { permit }
    }
}

#[cfg(feature = "throttle")]
impl LoginAttempt {
    pub(super) fn step_claims(&self, name_hash: Option<&str>) -> StepClaims {
        StepClaims {
            name_hash: name_hash.map(Into::into),
            login_attempt: self.permit.as_ref().map(Permit::pending),
        }
    }

    /// Takes the attempt back if it succeeded, or could not be decided. `failure` is the status of the
    /// response if it failed.
    pub(super) async fn conclude(self, failure: Option<StatusCode>) {
        let Some(permit) = self.permit else { return };
        match failure {
            None => permit.succeeded().await,
            Some(status) if status.is_server_error() => permit.take_back().await,
            Some(_) => {}
        }
    }
}

#[cfg(not(feature = "throttle"))]
#[allow(clippy::unused_self, clippy::unused_async, reason = "as with the feature `throttle`")]
impl LoginLimit {
    pub(super) fn check_limits_addresses(&self) -> Result<(), ConfigError> {
        Ok(())
    }

    pub(super) fn account_field(&self) -> &'static str {
        ACCOUNT_FIELD
    }

    pub(super) fn client_address(&self, _: &Request) -> Result<Option<IpAddr>, AuthError> {
        Ok(None)
    }

    pub(super) async fn count(
        &self,
        _: Option<&str>,
        _: Option<IpAddr>,
    ) -> Result<LoginAttempt, AuthError> {
        Ok(LoginAttempt {})
    }

    pub(super) async fn count_step(&self, _: Option<IpAddr>) -> Result<LoginAttempt, AuthError> {
        Ok(LoginAttempt {})
    }

    pub(super) async fn count_code(&self, _: &UserId) -> Result<LoginAttempt, AuthError> {
        Ok(LoginAttempt {})
    }

    pub(super) fn resume(&self, _: &StepClaims) -> LoginAttempt {
        LoginAttempt {}
    }
}

#[cfg(not(feature = "throttle"))]
#[allow(clippy::unused_self, clippy::unused_async, reason = "as with the feature `throttle`")]
impl LoginAttempt {
    pub(super) fn step_claims(&self, name_hash: Option<&str>) -> StepClaims {
        StepClaims { name_hash: name_hash.map(Into::into) }
    }

    pub(super) async fn conclude(self, _: Option<StatusCode>) {}
}
