//! How an application finds and checks its users: [`UserBackend`] and [`User`].

mod credentials;

use std::{error::Error, fmt, future::Future};

use crate::token::{NoClaims, UserId};

pub use credentials::{Credentials, FieldErrors, Fields, UsernamePassword};

/// A user as tokens are issued for: who it is, and what the tokens shall say.
///
/// A [`UserBackend`] builds one from the application's own user record at each login and each
/// refresh, so claims are never staler than one access token's lifetime.
///
/// ```
/// use serde::Serialize;
/// use tower_jwt_auth::user::User;
///
/// #[derive(Serialize)]
/// struct Profile { username: String }
///
/// let user: User<Profile> = User::new(42, Profile { username: "ada".to_owned() })
///     .with_scopes(["read", "write"])
///     .with_epoch("3");
/// assert!(user.is_active());
/// ```
#[derive(Clone)]
#[must_use]
pub struct User<C = NoClaims, R = NoClaims> {
    id: UserId,
    claims: C,
    refresh_claims: R,
    scopes: Vec<Box<str>>,
    epoch: Option<Box<str>>,
    active: bool,
}

impl<C, R: Default> User<C, R> {
    /// An active user with `claims` for its access tokens, default claims for its refresh tokens,
    /// no scopes and no epoch.
    pub fn new(id: impl Into<UserId>, claims: C) -> Self {
        Self {
            id: id.into(),
            claims,
            refresh_claims: R::default(),
            scopes: Vec::new(),
            epoch: None,
            active: true,
        }
    }
}

impl<C, R> User<C, R> {
    /// Sets the claims of its refresh tokens. Default: `R::default()`.
    pub fn with_refresh_claims<R2>(self, refresh_claims: R2) -> User<C, R2> {
        let Self { id, claims, refresh_claims: _, scopes, epoch, active } = self;
        User { id, claims, refresh_claims, scopes, epoch, active }
    }

    /// Sets the scopes it may have. Default: none.
    ///
    /// A login grants them all; a refresh grants those of them that the login granted, so a
    /// session's scopes never widen.
    pub fn with_scopes<S: Into<Box<str>>>(mut self, scopes: impl IntoIterator<Item = S>) -> Self {
        self.scopes = scopes.into_iter().map(Into::into).collect();
        self
    }

    /// Sets a mark that changes whenever sessions begun before shall end, such as a counter raised
    /// at each password change. Default: none, nothing is compared.
    ///
    /// It is written into refresh tokens, which their holder can read: never a password hash.
    pub fn with_epoch(mut self, epoch: impl Into<Box<str>>) -> Self {
        self.epoch = Some(epoch.into());
        self
    }

    /// Sets whether it may log in and refresh. Default: `true`.
    pub fn with_active(mut self, active: bool) -> Self {
        self.active = active;
        self
    }

    /// Who it is.
    pub const fn id(&self) -> &UserId {
        &self.id
    }

    /// The claims of its access tokens.
    pub const fn claims(&self) -> &C {
        &self.claims
    }

    /// The claims of its refresh tokens.
    pub const fn refresh_claims(&self) -> &R {
        &self.refresh_claims
    }

    /// The scopes it may have.
    pub fn scopes(&self) -> impl Iterator<Item = &str> {
        self.scopes.iter().map(AsRef::as_ref)
    }

    /// The mark set by [`with_epoch`](Self::with_epoch).
    pub fn epoch(&self) -> Option<&str> {
        self.epoch.as_deref()
    }

    /// Whether it may log in and refresh.
    pub const fn is_active(&self) -> bool {
        self.active
    }
}

impl<C, R> fmt::Debug for User<C, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("User").field("active", &self.active).finish_non_exhaustive()
    }
}

/// An application's users, as the token routes need them.
///
/// `C` are the claims of access tokens, `R` those of refresh tokens.
///
/// Calls have no deadline of their own: give the connections to a database one. A call is dropped
/// where it waits when its client goes away.
///
/// ```
/// use serde::Serialize;
/// use tower_jwt_auth::{
///     token::UserId,
///     user::{BackendError, User, UserBackend, UsernamePassword},
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
///     ) -> Result<Option<User<Profile>>, BackendError> {
///         // A real backend compares a slow hash: see the `password` module.
///         let known = credentials.username == "ada" && credentials.password.as_str() == "engine";
///         if known { self.find(&UserId::from(1)).await } else { Ok(None) }
///     }
///
///     async fn find(&self, id: &UserId) -> Result<Option<User<Profile>>, BackendError> {
///         let profile = Profile { username: "ada".to_owned() };
///         Ok((id.as_str() == "1").then(|| User::new(1, profile)))
///     }
/// }
/// ```
pub trait UserBackend<C, R = NoClaims>: Send + Sync + 'static {
    /// What a login sends.
    type Credentials: Credentials;

    /// The user that has these credentials, or `None`.
    ///
    /// An unknown user must cost as much time as a wrong password; inactive users may be returned
    /// as they are, the caller refuses them with the same answer.
    ///
    /// # Errors
    ///
    /// [`BackendError`] when the users cannot be asked; the login is answered `503`.
    fn authenticate(
        &self,
        credentials: Self::Credentials,
    ) -> impl Future<Output = Result<Option<User<C, R>>, BackendError>> + Send;

    /// The user of an id that a refresh token carries, or `None` when there is none any more.
    ///
    /// # Errors
    ///
    /// [`BackendError`] when the users cannot be asked; the refresh is answered `503` and the
    /// refresh token stays good.
    fn find(
        &self,
        id: &UserId,
    ) -> impl Future<Output = Result<Option<User<C, R>>, BackendError>> + Send;
}

/// Why a [`UserBackend`] could not answer.
#[derive(Debug)]
pub struct BackendError {
    overloaded: bool,
    source: Option<Box<dyn Error + Send + Sync>>,
}

impl BackendError {
    /// The users are out of reach, for the reason `source`.
    pub fn unavailable(source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self { overloaded: false, source: Some(source.into()) }
    }

    /// There is too much to do to check another password now.
    #[must_use]
    pub const fn overloaded() -> Self {
        Self { overloaded: true, source: None }
    }

    /// Whether there was too much to do.
    #[must_use]
    pub const fn is_overloaded(&self) -> bool {
        self.overloaded
    }
}

impl fmt::Display for BackendError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.overloaded {
            "too many passwords are being checked"
        } else {
            "the users are out of reach"
        })
    }
}

impl Error for BackendError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.source.as_deref().map(|source| source as _)
    }
}
