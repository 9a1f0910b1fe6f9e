use std::{error::Error, fmt, future::Future};

use crate::{
    error::{AuthError, AuthErrorKind},
    token::{NoClaims, UserId},
};

use super::{authentication::Authentication, credentials::Credentials, token_user::User};

/// The users of an application.
///
/// `C` is the type of the claims in access tokens, `R` that in refresh tokens.
///
/// Calls have no deadline: set one for the connections to your database. A call is dropped while it
/// waits if its client disconnects.
///
/// ```
/// use serde::Serialize;
/// use tower_jwt_auth::{
///     token::UserId,
///     user::{Authentication, BackendError, User, UserBackend, UsernamePassword},
/// };
///
/// #[derive(Serialize)]
/// struct Profile { username: String }
///
/// struct OnlyAda;
///
/// impl UserBackend<Profile> for OnlyAda {
///     type Credentials = UsernamePassword;
///
///     async fn authenticate(
///         &self,
///         credentials: UsernamePassword,
///     ) -> Result<Authentication<Profile>, BackendError> {
///         // A real backend verifies a slow hash: see the `password` module.
///         let known = credentials.username == "ada" && credentials.password.as_str() == "engine";
///         let user = if known { self.find(&UserId::from(1)).await? } else { None };
///         Ok(user.into())
///     }
///
///     async fn find(&self, id: &UserId) -> Result<Option<User<Profile>>, BackendError> {
///         let profile = Profile { username: "ada".to_owned() };
///         Ok((id.as_str() == "1").then(|| User::new(1, profile)))
///     }
/// }
/// ```
pub trait UserBackend<C, R = NoClaims>: Send + Sync + 'static {
    /// The credentials that a login sends.
    type Credentials: Credentials;

    /// Returns the user with these credentials, or why nobody can log in with them.
    ///
    /// An unknown user must take as long as a wrong password, and both are
    /// [`Authentication::Invalid`]. Inactive users may be returned: the caller rejects them with the
    /// same response. Return another reason only if the password is right, because it reveals that
    /// the account exists.
    ///
    /// # Errors
    ///
    /// [`BackendError`] if the users cannot be read. The response to the login is `503`.
    fn authenticate(
        &self,
        credentials: Self::Credentials,
    ) -> impl Future<Output = Result<Authentication<C, R>, BackendError>> + Send;

    /// Returns the user with the id from a refresh token, or `None` if there is none any more.
    ///
    /// # Errors
    ///
    /// [`BackendError`] if the users cannot be read. The response to the refresh is `503`, and the
    /// refresh token remains valid.
    fn find(
        &self,
        id: &UserId,
    ) -> impl Future<Output = Result<Option<User<C, R>>, BackendError>> + Send;
}

/// Why a [`UserBackend`] failed.
#[derive(Debug)]
pub struct BackendError {
    overloaded: bool,
    source: Option<Box<dyn Error + Send + Sync>>,
}

impl BackendError {
    /// The users cannot be read or changed because of `source`.
    pub fn unavailable(source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self { overloaded: false, source: Some(source.into()) }
    }

    /// Too many passwords are being hashed to hash another one now.
    #[must_use]
    pub const fn overloaded() -> Self {
        Self { overloaded: true, source: None }
    }

    /// Whether the error was made by [`overloaded`](Self::overloaded).
    #[must_use]
    pub const fn is_overloaded(&self) -> bool {
        self.overloaded
    }
}

impl fmt::Display for BackendError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.overloaded {
            "too many passwords are being hashed"
        } else {
            "the users are unavailable"
        })
    }
}

impl Error for BackendError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.source.as_deref().map(|source| source as _)
    }
}

impl From<BackendError> for AuthError {
    fn from(error: BackendError) -> Self {
        let kind = if error.is_overloaded() {
            AuthErrorKind::Overloaded
        } else {
            AuthErrorKind::Unavailable
        };
        Self::with_source(kind, error)
    }
}
