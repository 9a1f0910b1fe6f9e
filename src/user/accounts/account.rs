use std::fmt;

use crate::{clock::NumericDate, token::UserId};

/// An account, as an [`AccountBackend`](super::AccountBackend) stores it, without its password hash.
///
/// `X` holds columns of the application.
///
/// `Debug` shows nothing of the user.
#[derive(Clone)]
pub struct Account<X = ()> {
    id: UserId,
    generation: Box<str>,
    username: Option<Box<str>>,
    email: Option<Box<str>>,
    active: bool,
    verified: bool,
    staff: bool,
    roles: Vec<Box<str>>,
    created_at: NumericDate,
    last_login: Option<NumericDate>,
    extra: X,
}

impl Account {
    /// Creates an active account without a name, an e-mail address or roles.
    ///
    /// `generation` must change with the password, and when the account is deactivated.
    #[must_use]
    pub fn new(id: impl Into<UserId>, generation: impl Into<Box<str>>) -> Self {
        Self {
            id: id.into(),
            generation: generation.into(),
            username: None,
            email: None,
            active: true,
            verified: false,
            staff: false,
            roles: Vec::new(),
            created_at: NumericDate::default(),
            last_login: None,
            extra: (),
        }
    }
}

impl<X> Account<X> {
    /// Sets the user name. Default: none.
    #[must_use]
    pub fn with_username<'a>(mut self, username: impl Into<Option<&'a str>>) -> Self {
        self.username = username.into().map(Into::into);
        self
    }

    /// Sets the e-mail address. Default: none.
    #[must_use]
    pub fn with_email<'a>(mut self, email: impl Into<Option<&'a str>>) -> Self {
        self.email = email.into().map(Into::into);
        self
    }

    /// Sets whether the user may log in and refresh. Default: `true`.
    #[must_use]
    pub fn with_active(mut self, active: bool) -> Self {
        self.active = active;
        self
    }

    /// Sets whether the e-mail address was verified. Default: `false`.
    #[must_use]
    pub fn with_verified(mut self, verified: bool) -> Self {
        self.verified = verified;
        self
    }

    /// Sets whether the user belongs to the staff. Default: `false`.
    #[must_use]
    pub fn with_staff(mut self, staff: bool) -> Self {
        self.staff = staff;
        self
    }

    /// Sets the roles. Default: none.
    #[must_use]
    pub fn with_roles<S: Into<Box<str>>>(mut self, roles: impl IntoIterator<Item = S>) -> Self {
        self.roles = roles.into_iter().map(Into::into).collect();
        self
    }

    /// Sets when the account was created. Default: 1970.
    #[must_use]
    pub fn with_created_at(mut self, created_at: NumericDate) -> Self {
        self.created_at = created_at;
        self
    }

    /// Sets when the user last logged in. Default: `None`, for never.
    #[must_use]
    pub fn with_last_login(mut self, last_login: Option<NumericDate>) -> Self {
        self.last_login = last_login;
        self
    }

    /// Sets the columns of the application. Default: none.
    #[must_use]
    pub fn with_extra<X2>(self, extra: X2) -> Account<X2> {
        let Self {
            id,
            generation,
            username,
            email,
            active,
            verified,
            staff,
            roles,
            created_at,
            last_login,
            extra: _,
        } = self;
        Account {
            id,
            generation,
            username,
            email,
            active,
            verified,
            staff,
            roles,
            created_at,
            last_login,
            extra,
        }
    }

    /// The id of the user.
    pub const fn id(&self) -> &UserId {
        &self.id
    }

    /// A string that changes with the password, and when the account is deactivated. It is the
    /// [epoch](crate::user::User::with_epoch) of refresh tokens.
    ///
    /// A token that must not survive a change of the password, such as one that resets it, can carry
    /// the generation of its account.
    #[must_use]
    pub const fn generation(&self) -> &str {
        &self.generation
    }

    /// The user name, as the user wrote it.
    #[must_use]
    pub fn username(&self) -> Option<&str> {
        self.username.as_deref()
    }

    /// The e-mail address, as the user wrote it.
    #[must_use]
    pub fn email(&self) -> Option<&str> {
        self.email.as_deref()
    }

    /// Whether the user may log in and refresh.
    #[must_use]
    pub const fn is_active(&self) -> bool {
        self.active
    }

    /// Whether the e-mail address was verified.
    #[must_use]
    pub const fn is_verified(&self) -> bool {
        self.verified
    }

    /// Whether the user belongs to the staff.
    #[must_use]
    pub const fn is_staff(&self) -> bool {
        self.staff
    }

    /// The roles, or groups, of the user.
    pub fn roles(&self) -> impl Iterator<Item = &str> {
        self.roles.iter().map(AsRef::as_ref)
    }

    /// Whether the user has the role `role`.
    #[must_use]
    pub fn has_role(&self, role: &str) -> bool {
        self.roles().any(|own| own == role)
    }

    /// When the account was created.
    #[must_use]
    pub const fn created_at(&self) -> NumericDate {
        self.created_at
    }

    /// When the user last logged in. `None` if never.
    #[must_use]
    pub const fn last_login(&self) -> Option<NumericDate> {
        self.last_login
    }

    /// The columns of the application.
    pub const fn extra(&self) -> &X {
        &self.extra
    }
}

impl<X> fmt::Debug for Account<X> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Account").finish_non_exhaustive()
    }
}
