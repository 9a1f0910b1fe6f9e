use std::fmt;

use crate::token::{NoClaims, UserId};

use super::continued_session::continues;

/// A user to issue tokens for: the id, and the claims of the tokens.
///
/// A [`UserBackend`](super::UserBackend) builds one from the application's own user record at each
/// login and each refresh, so claims are at most one access token's lifetime old.
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
    /// Creates an active user whose access tokens carry `claims`, without scopes and epoch. Its
    /// refresh tokens carry `R::default()`.
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
    /// Sets the claims of refresh tokens. Default: `R::default()`.
    pub fn with_refresh_claims<R2>(self, refresh_claims: R2) -> User<C, R2> {
        let Self { id, claims, refresh_claims: _, scopes, epoch, active } = self;
        User { id, claims, refresh_claims, scopes, epoch, active }
    }

    /// Sets the scopes that the user may have. Default: none.
    ///
    /// A login grants all of them. A refresh grants those that the login granted and that the user
    /// still has, so the scopes of a session never widen.
    pub fn with_scopes<S: Into<Box<str>>>(mut self, scopes: impl IntoIterator<Item = S>) -> Self {
        self.scopes = scopes.into_iter().map(Into::into).collect();
        self
    }

    /// Sets a string whose change ends all sessions begun before, such as a counter that each
    /// password change increments. Default: none, and nothing is compared. With a string from
    /// [`new_generation`](super::new_generation), one session can go on.
    ///
    /// Refresh tokens carry it, and their holder can read it: never use a password hash.
    pub fn with_epoch(mut self, epoch: impl Into<Box<str>>) -> Self {
        self.epoch = Some(epoch.into());
        self
    }

    /// Sets whether the user may log in and refresh. Default: `true`.
    pub fn with_active(mut self, active: bool) -> Self {
        self.active = active;
        self
    }

    /// The id of the user.
    pub const fn id(&self) -> &UserId {
        &self.id
    }

    /// The claims of access tokens.
    pub const fn claims(&self) -> &C {
        &self.claims
    }

    /// The claims of refresh tokens.
    pub const fn refresh_claims(&self) -> &R {
        &self.refresh_claims
    }

    /// The scopes that the user may have.
    pub fn scopes(&self) -> impl Iterator<Item = &str> {
        self.scopes.iter().map(AsRef::as_ref)
    }

    /// The string set by [`with_epoch`](Self::with_epoch).
    pub fn epoch(&self) -> Option<&str> {
        self.epoch.as_deref()
    }

    /// Whether the epoch allows a refresh with a token that carries `epoch`, in the session with the id
    /// `session_id`.
    pub fn may_refresh(&self, epoch: Option<&str>, session_id: Option<&str>) -> bool {
        let is_continued =
            |own, session_id: Option<&str>| session_id.is_some_and(|id| continues(own, id));
        self.epoch() == epoch || self.epoch().is_some_and(|own| is_continued(own, session_id))
    }

    /// Whether the user may log in and refresh.
    pub const fn is_active(&self) -> bool {
        self.active
    }
}

impl<C, R> fmt::Debug for User<C, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("User").field("active", &self.active).finish_non_exhaustive()
    }
}
