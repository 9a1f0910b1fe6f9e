use std::future::Future;

#[cfg(feature = "routes")]
use futures::future::BoxFuture;

use crate::token::UserId;

use super::backend::BackendError;

/// The second factors of users, and the codes that prove them: of an authenticator app, from a text
/// message, of a recovery sheet.
///
/// The routes call it at logins: see [the second step](crate::routes#second-factor). For codes of
/// authenticator apps, the feature `totp` has an implementation.
///
/// ```
/// use std::{collections::HashMap, sync::Mutex};
/// use tower_jwt_auth::{
///     token::UserId,
///     user::{BackendError, SecondFactor},
/// };
///
/// /// The code that was last sent to each user.
/// struct SentCodes(Mutex<HashMap<UserId, String>>);
///
/// impl SecondFactor for SentCodes {
///     async fn is_enabled(&self, _: &UserId) -> Result<bool, BackendError> {
///         Ok(true) // Everybody needs a code.
///     }
///
///     async fn verify(&self, user_id: &UserId, code: &str) -> Result<bool, BackendError> {
///         let mut codes = self.0.lock().map_err(|_| BackendError::unavailable("poisoned"))?;
///         let is_valid = codes.get(user_id).is_some_and(|sent| sent == code);
///         if is_valid {
///             codes.remove(user_id);
///         }
///         Ok(is_valid)
///     }
/// }
/// ```
///
/// # Passkeys
///
/// A passkey signs a challenge that the server has made for its user. As a second factor it needs one
/// more route, at which the client exchanges its `step` for the challenge, and a browser then sends
/// the signed response as `code`, in JSON. With the crate `webauthn-rs`:
///
/// 1. The route calls [`Issuer::second_step_user`](crate::Issuer::second_step_user) with the step, and
///    `Webauthn::start_passkey_authentication` with the passkeys of that user. It keeps the
///    `PasskeyAuthentication` for the user and returns the challenge.
/// 2. [`is_enabled`](Self::is_enabled) returns whether the user has a passkey.
/// 3. [`verify`](Self::verify) takes the `PasskeyAuthentication` of the user out of its place, so that
///    it is used once, parses `code` as `PublicKeyCredential` and calls
///    `Webauthn::finish_passkey_authentication`.
/// 4. [`amr`](Self::amr) returns `["pwd", "hwk"]`, and [`acr`](Self::acr) `phr` if a route requires a
///    factor that resists phishing.
///
/// A login with a passkey alone needs no step: call [`Issuer::start_login`](crate::Issuer::start_login)
/// and [`finish_login`](crate::Issuer::finish_login) in a route of your own.
pub trait SecondFactor: Send + Sync + 'static {
    /// Returns whether the logins of this user require a code. The routes call it after the password
    /// was right.
    ///
    /// A user whom the backend returns as
    /// [`Authentication::SecondFactor`](super::Authentication::SecondFactor) needs a code in any case.
    ///
    /// # Errors
    ///
    /// [`BackendError`] if it is not known. The response to the login is `503`.
    fn is_enabled(
        &self,
        user_id: &UserId,
    ) -> impl Future<Output = Result<bool, BackendError>> + Send;

    /// Returns whether `code` is valid for this user, and uses it: of any number of calls with one
    /// code, at most one returns `true`.
    ///
    /// # Errors
    ///
    /// [`BackendError`] if the code cannot be verified. The response is `503`.
    fn verify(
        &self,
        user_id: &UserId,
        code: &str,
    ) -> impl Future<Output = Result<bool, BackendError>> + Send;

    /// How a user was authenticated who has completed a login, for the claim
    /// [`amr`](crate::Claims::amr) of the tokens. [RFC 8176] lists the values, such as `sms` for a text
    /// message. Default: `["pwd", "otp"]`, a password and a one-time code.
    ///
    /// [RFC 8176]: https://www.rfc-editor.org/rfc/rfc8176#section-2
    fn amr(&self) -> &'static [&'static str] {
        &["pwd", "otp"]
    }

    /// How strongly a user is authenticated who has completed a login, for the claim
    /// [`acr`](crate::Claims::acr) of the tokens, so that a route can
    /// [require](crate::token::StepUp) it. Default: the tokens have no `acr`.
    fn acr(&self) -> Option<&'static str> {
        None
    }
}

/// A [`SecondFactor`] of any type.
#[cfg(feature = "routes")]
pub(crate) trait DynSecondFactor: Send + Sync {
    fn is_enabled<'a>(&'a self, user_id: &'a UserId) -> BoxFuture<'a, Result<bool, BackendError>>;

    fn verify<'a>(
        &'a self,
        user_id: &'a UserId,
        code: &'a str,
    ) -> BoxFuture<'a, Result<bool, BackendError>>;

    fn amr(&self) -> &'static [&'static str];

    fn acr(&self) -> Option<&'static str>;
}

#[cfg(feature = "routes")]
impl<F: SecondFactor> DynSecondFactor for F {
    fn is_enabled<'a>(&'a self, user_id: &'a UserId) -> BoxFuture<'a, Result<bool, BackendError>> {
        Box::pin(SecondFactor::is_enabled(self, user_id))
    }

    fn verify<'a>(
        &'a self,
        user_id: &'a UserId,
        code: &'a str,
    ) -> BoxFuture<'a, Result<bool, BackendError>> {
        Box::pin(SecondFactor::verify(self, user_id, code))
    }

    fn amr(&self) -> &'static [&'static str] {
        SecondFactor::amr(self)
    }

    fn acr(&self) -> Option<&'static str> {
        SecondFactor::acr(self)
    }
}
