//! The limit on attempts to log in. Without the feature `throttle` there is none.

#[cfg(feature = "throttle")]
use std::net::IpAddr;

use axum::extract::Request;

#[cfg(feature = "throttle")]
use crate::throttle::{Permit, Throttle};
use crate::{error::AuthError, user::Fields};

use super::{request_error::RequestError, route_error::RouteError};

#[derive(Clone, Default)]
pub(super) struct LoginLimit {
    #[cfg(feature = "throttle")]
    throttle: Option<Throttle>,
}

/// Who makes an attempt.
pub(super) struct Client {
    #[cfg(feature = "throttle")]
    address: Option<IpAddr>,
}

/// An attempt that is permitted.
pub(super) struct LoginAttempt {
    #[cfg(feature = "throttle")]
    permit: Option<Permit>,
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
}

#[cfg(feature = "throttle")]
impl LoginAttempt {
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
}

#[cfg(not(feature = "throttle"))]
#[allow(clippy::unused_self, clippy::unused_async, reason = "as with the feature `throttle`")]
impl LoginAttempt {
    pub(super) async fn conclude<T>(self, _: &Result<T, RouteError>) {}
}
