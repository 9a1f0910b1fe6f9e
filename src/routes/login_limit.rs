//! The limit on attempts to log in. Without the feature `throttle` there is none.

#[cfg(feature = "throttle")]
use std::net::IpAddr;

use axum::extract::Request;
use serde::{Deserialize, Serialize};

#[cfg(feature = "throttle")]
use crate::throttle::{PendingAttempt, Permit, Throttle};
use crate::{error::AuthError, user::Fields};

use super::{request_error::RequestError, route_error::RouteError};

#[derive(Clone, Default)]
pub(super) struct LoginLimit {
    #[cfg(feature = "throttle")]
    throttle: Option<Throttle>,
}

/// Who makes an attempt.
#[derive(Clone, Copy)]
pub(super) struct Client {
    #[cfg(feature = "throttle")]
    address: Option<IpAddr>,
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
    #[cfg(feature = "throttle")]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    login_attempt: Option<PendingAttempt>,
}

#[cfg(feature = "throttle")]
impl LoginLimit {
    pub(super) const fn new(throttle: Throttle) -> Self {
        Self { throttle: Some(throttle) }
    }

    pub(super) fn client(&self, request: &Request) -> Result<Client, AuthError> {
        let Some(throttle) = &self.throttle else { return Ok(Client { address: None }) };
        let address = throttle.client_address(request.extensions(), request.headers())?;
        Ok(Client { address })
    }

    /// Counts an attempt with the fields of a login.
    pub(super) async fn count(
        &self,
        client: Client,
        fields: impl FnOnce() -> Result<Fields, RequestError>,
    ) -> Result<LoginAttempt, AuthError> {
        let Some(throttle) = &self.throttle else { return Ok(LoginAttempt { permit: None }) };
        let mut fields = fields().ok();
        let account = fields.as_mut().and_then(|it| it.required_string(throttle.account_field()));
        let permit = throttle.attempt(account.as_deref(), client.address).await?;
        Ok(LoginAttempt { permit: Some(permit) })
    }

    /// Counts an attempt with a code. Its account has been counted by the login.
    pub(super) async fn count_code(&self, client: Client) -> Result<LoginAttempt, AuthError> {
        match (&self.throttle, client.address) {
            (Some(throttle), Some(address)) => {
                Ok(LoginAttempt { permit: Some(throttle.attempt(None, Some(address)).await?) })
            }
            _ => Ok(LoginAttempt { permit: None }),
        }
    }

    /// The attempt of the login that a step continues.
    pub(super) fn resume(&self, claims: &StepClaims, client: Client) -> LoginAttempt {
        let attempt = self.throttle.as_ref().zip(claims.login_attempt.as_ref());
        let permit = attempt.map(|(throttle, attempt)| throttle.resume(attempt, client.address));
        LoginAttempt { permit }
    }
}

#[cfg(feature = "throttle")]
impl LoginAttempt {
    pub(super) fn step_claims(&self) -> StepClaims {
        StepClaims { login_attempt: self.permit.as_ref().map(Permit::pending) }
    }

    /// Takes the attempt back if it succeeded, or could not be decided.
    pub(super) async fn conclude<T>(self, result: &Result<T, RouteError>) {
        let Some(permit) = self.permit else { return };
        match result {
            Ok(_) => permit.succeeded().await,
            Err(error) if error.status().is_server_error() => permit.take_back().await,
            Err(_) => {}
        }
    }
}

#[cfg(not(feature = "throttle"))]
#[allow(clippy::unused_self, clippy::unused_async, reason = "as with the feature `throttle`")]
impl LoginLimit {
    pub(super) fn client(&self, _: &Request) -> Result<Client, AuthError> {
        Ok(Client {})
    }

    pub(super) async fn count(
        &self,
        _: Client,
        _: impl FnOnce() -> Result<Fields, RequestError>,
    ) -> Result<LoginAttempt, AuthError> {
        Ok(LoginAttempt {})
    }

    pub(super) async fn count_code(&self, _: Client) -> Result<LoginAttempt, AuthError> {
        Ok(LoginAttempt {})
    }

    pub(super) fn resume(&self, _: &StepClaims, _: Client) -> LoginAttempt {
        LoginAttempt {}
    }
}

#[cfg(not(feature = "throttle"))]
#[allow(clippy::unused_self, clippy::unused_async, reason = "as with the feature `throttle`")]
impl LoginAttempt {
    pub(super) fn step_claims(&self) -> StepClaims {
        StepClaims {}
    }

    pub(super) async fn conclude<T>(self, _: &Result<T, RouteError>) {}
}
