//! Limits on attempts. Without the feature `throttle` there are none.

#[cfg(feature = "throttle")]
use std::{error::Error, net::IpAddr};

use axum::extract::Request;

use crate::{error::AuthError, routes::RouteError, token::UserId};
#[cfg(feature = "throttle")]
use crate::{
    throttle::{Permit, Throttle},
    trace::warn,
};

/// What the passwords of a user who is logged in are counted as.
#[cfg(feature = "throttle")]
const PASSWORD: &str = "password of user";

/// The limits of the account routes.
#[derive(Clone, Default)]
pub(super) struct Limits {
    /// Sign-ups, by the e-mail address and by the client's.
    pub(super) sign_up: Limit,
    /// Mails that anybody can have sent, by the same.
    pub(super) mail: Limit,
    /// Passwords of users who are logged in, by the id of the user.
    pub(super) password: Limit,
}

#[derive(Clone, Default)]
pub(super) struct Limit {
    #[cfg(feature = "throttle")]
    throttle: Option<Throttle>,
}

#[cfg(feature = "openapi")]
impl Limit {
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
}

/// Who makes an attempt.
pub(super) struct Client {
    #[cfg(feature = "throttle")]
    address: Option<IpAddr>,
}

/// An attempt that is permitted. If it is dropped, it stays counted.
#[must_use]
pub(super) struct Attempt {
    #[cfg(feature = "throttle")]
    permit: Option<Permit>,
}

#[cfg(feature = "throttle")]
impl Limit {
    pub(super) const fn new(throttle: Throttle) -> Self {
        Self { throttle: Some(throttle) }
    }

    /// Must be called before the body of the request is read.
    pub(super) fn client(&self, request: &Request) -> Result<Client, AuthError> {
        let Some(throttle) = &self.throttle else { return Ok(Client { address: None }) };
        let address = throttle.client_address(request.extensions(), request.headers())?;
        Ok(Client { address })
    }

    /// Counts an attempt for `account`, in any spelling, and for the client. Fails with `429` if there
    /// were too many.
    pub(super) async fn count(&self, client: Client, account: &str) -> Result<Attempt, AuthError> {
        let Some(throttle) = &self.throttle else { return Ok(Attempt { permit: None }) };
        let permit = throttle.attempt(Some(account), client.address).await?;
        Ok(Attempt { permit: Some(permit) })
    }

    /// Counts an attempt of a user with the password. No login counts here.
    pub(super) async fn count_user(
        &self,
        client: Client,
        user_id: &UserId,
    ) -> Result<Attempt, AuthError> {
        let Some(throttle) = &self.throttle else { return Ok(Attempt { permit: None }) };
        let permit = throttle.attempt_by_user(PASSWORD, user_id, client.address).await?;
        Ok(Attempt { permit: Some(permit) })
    }

    /// Forgets the attempts of a user with the password, and of logins under one of `names`. If that
    /// fails, they stay counted.
    pub(super) async fn forget<'a>(
        &self,
        user_id: &UserId,
        names: impl IntoIterator<Item = &'a str>,
    ) {
        let Some(throttle) = &self.throttle else { return };
        let mut outcome = throttle.reset_user(PASSWORD, user_id).await;
        for name in names {
            outcome = outcome.and(throttle.reset(name).await);
        }
        if let Err(error) = outcome {
            warn!(error = &error as &dyn Error, "the attempts on an account stay counted");
        }
    }
}

#[cfg(feature = "throttle")]
impl Attempt {
    /// Resets the limit of the account, and takes the attempt back for the client.
    pub(super) async fn succeeded(self) {
        if let Some(permit) = self.permit {
            permit.succeeded().await;
        }
    }

    /// Takes the attempt back if it could not be decided. Otherwise it stays counted.
    pub(super) async fn conclude<T>(self, result: Result<T, RouteError>) -> Result<T, RouteError> {
        let is_undecided = matches!(&result, Err(error) if error.status().is_server_error());
        if let (Some(permit), true) = (self.permit, is_undecided) {
            permit.take_back().await;
        }
        result
    }
}

#[cfg(not(feature = "throttle"))]
#[allow(clippy::unused_self, clippy::unused_async, reason = "as with the feature `throttle`")]
impl Limit {
    pub(super) fn client(&self, _: &Request) -> Result<Client, AuthError> {
        Ok(Client {})
    }

    pub(super) async fn count(&self, _: Client, _: &str) -> Result<Attempt, AuthError> {
        Ok(Attempt {})
    }

    pub(super) async fn count_user(&self, _: Client, _: &UserId) -> Result<Attempt, AuthError> {
        Ok(Attempt {})
    }

    pub(super) async fn forget<'a>(&self, _: &UserId, _: impl IntoIterator<Item = &'a str>) {}
}

#[cfg(not(feature = "throttle"))]
#[allow(clippy::unused_self, clippy::unused_async, reason = "as with the feature `throttle`")]
impl Attempt {
    pub(super) async fn succeeded(self) {}

    pub(super) async fn conclude<T>(self, result: Result<T, RouteError>) -> Result<T, RouteError> {
        result
    }
}
