use std::fmt;

/// An account to create. `X` holds columns of the application.
///
/// ```
/// use tower_jwt_auth::user::NewAccount;
///
/// let ada = NewAccount::new()
///     .with_username("ada")
///     .with_email("ada@example.com")
///     .with_password("analytical engine");
/// assert!(ada.active && !ada.verified);
/// ```
#[derive(Clone)]
#[non_exhaustive]
#[must_use]
pub struct NewAccount<'a, X = ()> {
    /// The user name.
    pub username: Option<&'a str>,
    /// The e-mail address.
    pub email: Option<&'a str>,
    /// The password. Nobody can log in to an account without one.
    pub password: Option<&'a str>,
    /// Whether the user may log in.
    pub active: bool,
    /// Whether the e-mail address was verified.
    pub verified: bool,
    /// Whether the user belongs to the staff.
    pub staff: bool,
    /// The roles, or groups, of the user.
    pub roles: Vec<&'a str>,
    /// The columns of the application.
    pub extra: X,
}

impl NewAccount<'_> {
    /// An active account without a name, an e-mail address, a password or roles.
    pub fn new() -> Self {
        Self {
            username: None,
            email: None,
            password: None,
            active: true,
            verified: false,
            staff: false,
            roles: Vec::new(),
            extra: (),
        }
    }
}

impl<'a, X> NewAccount<'a, X> {
    /// Sets the user name. Default: none.
    pub fn with_username(mut self, username: impl Into<Option<&'a str>>) -> Self {
        self.username = username.into();
        self
    }

    /// Sets the e-mail address. Default: none.
    pub fn with_email(mut self, email: impl Into<Option<&'a str>>) -> Self {
        self.email = email.into();
        self
    }

    /// Sets the password. Default: none, and nobody can log in until one is set.
    ///
    /// The backend hashes it, but does not check its strength.
    pub fn with_password(mut self, password: impl Into<Option<&'a str>>) -> Self {
        self.password = password.into();
        self
    }

    /// Sets whether the user may log in. Default: `true`.
    pub fn with_active(mut self, active: bool) -> Self {
        self.active = active;
        self
    }

    /// Sets whether the e-mail address was verified. Default: `false`.
    pub fn with_verified(mut self, verified: bool) -> Self {
        self.verified = verified;
        self
    }

    /// Sets whether the user belongs to the staff. Default: `false`.
    pub fn with_staff(mut self, staff: bool) -> Self {
        self.staff = staff;
        self
    }

    /// Sets the roles. Default: none.
    pub fn with_roles(mut self, roles: impl IntoIterator<Item = &'a str>) -> Self {
        self.roles = roles.into_iter().collect();
        self
    }

    /// Sets the columns of the application. Default: none.
    pub fn with_extra<X2>(self, extra: X2) -> NewAccount<'a, X2> {
        let Self { username, email, password, active, verified, staff, roles, extra: _ } = self;
        NewAccount { username, email, password, active, verified, staff, roles, extra }
    }
}

impl Default for NewAccount<'_> {
    fn default() -> Self {
        Self::new()
    }
}

impl<X> fmt::Debug for NewAccount<'_, X> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NewAccount").finish_non_exhaustive()
    }
}
