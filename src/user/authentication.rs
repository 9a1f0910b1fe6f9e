use std::fmt;

use crate::{
    error::{AuthError, AuthErrorKind},
    token::NoClaims,
};

use super::token_user::User;

/// The outcome of a check of credentials: a user, or why there is none.
///
/// A [`UserBackend`](super::UserBackend) returns it. An `Option<User>` converts into it, with
/// `None` as [`Invalid`](Self::Invalid), so a backend without further reasons needs no `match`.
///
/// The other reasons reveal that the account exists. **Return them only after the password was
/// right.** Before that, everybody could find out which accounts exist and which of them are locked.
///
/// The response to each is `401` with a code of its own:
///
/// | outcome | `code` |
/// |---|---|
/// | [`Invalid`](Self::Invalid), or a user that is not [active](User::is_active) | `invalid_credentials` |
/// | [`Unverified`](Self::Unverified) | `account_unverified` |
/// | [`Locked`](Self::Locked) | `account_locked` |
/// | [`PasswordExpired`](Self::PasswordExpired) | `password_expired` |
/// | [`SecondFactor`](Self::SecondFactor) | `second_factor_required` |
///
/// ```
/// use tower_jwt_auth::{AuthErrorKind, user::{Authentication, User}};
///
/// struct Account { id: u64, password_is_right: bool, is_locked: bool }
///
/// fn outcome(found: Option<Account>) -> Authentication<()> {
///     match found {
///         Some(account) if account.password_is_right && account.is_locked => Authentication::Locked,
///         Some(account) if account.password_is_right => User::new(account.id, ()).into(),
///         _ => Authentication::Invalid,
///     }
/// }
///
/// let error = |found| outcome(found).into_result().unwrap_err().kind();
/// let account = |password_is_right| Account { id: 1, password_is_right, is_locked: true };
/// assert_eq!(error(Some(account(true))), AuthErrorKind::AccountLocked);
/// // A wrong password looks the same as an unknown user.
/// assert_eq!(error(Some(account(false))), AuthErrorKind::InvalidCredentials);
/// assert_eq!(error(None), AuthErrorKind::InvalidCredentials);
/// ```
#[derive(Clone)]
#[must_use]
#[non_exhaustive]
pub enum Authentication<C = NoClaims, R = NoClaims> {
    /// The credentials are those of this user. An [inactive](User::is_active) user is rejected as
    /// [`Invalid`](Self::Invalid).
    User(User<C, R>),
    /// The user is unknown or the password is wrong.
    Invalid,
    /// The password is right, but the e-mail address of the account has not been verified.
    Unverified,
    /// The password is right, but the account is locked.
    Locked,
    /// The password is right, but it must be replaced before the user can log in.
    PasswordExpired,
    /// The password is right, but this user must also send a code, whatever
    /// [`SecondFactor::is_enabled`](super::SecondFactor::is_enabled) returns. The routes respond with
    /// the token of the [second step](crate::routes#second-factor). An inactive user is rejected as
    /// [`Invalid`](Self::Invalid).
    SecondFactor(User<C, R>),
}

impl<C, R> Authentication<C, R> {
    /// The user, active or not, if the credentials are those of one that may log in now.
    pub fn user(self) -> Option<User<C, R>> {
        match self {
            Self::User(user) => Some(user),
            Self::Invalid
            | Self::Unverified
            | Self::Locked
            | Self::PasswordExpired
            | Self::SecondFactor(_) => None,
        }
    }

    /// The active user, or the error of a login. For logins by routes of your own.
    ///
    /// # Errors
    ///
    /// - [`InvalidCredentials`](AuthErrorKind::InvalidCredentials) for [`Invalid`](Self::Invalid)
    ///   and for inactive users.
    /// - [`AccountUnverified`](AuthErrorKind::AccountUnverified),
    ///   [`AccountLocked`](AuthErrorKind::AccountLocked),
    ///   [`PasswordExpired`](AuthErrorKind::PasswordExpired) and
    ///   [`SecondFactorRequired`](AuthErrorKind::SecondFactorRequired) for the other outcomes.
    pub fn into_result(self) -> Result<User<C, R>, AuthError> {
        let kind = match self {
            Self::User(user) if user.is_active() => return Ok(user),
            Self::SecondFactor(user) if user.is_active() => AuthErrorKind::SecondFactorRequired,
            // The response is the same for an inactive and an unknown user, so that clients cannot
            // find out which accounts exist.
            Self::User(_) | Self::SecondFactor(_) | Self::Invalid => {
                AuthErrorKind::InvalidCredentials
            }
            Self::Unverified => AuthErrorKind::AccountUnverified,
            Self::Locked => AuthErrorKind::AccountLocked,
            Self::PasswordExpired => AuthErrorKind::PasswordExpired,
        };
        Err(kind.into())
    }
}

impl<C, R> From<User<C, R>> for Authentication<C, R> {
    fn from(user: User<C, R>) -> Self {
        Self::User(user)
    }
}

impl<C, R> From<Option<User<C, R>>> for Authentication<C, R> {
    fn from(user: Option<User<C, R>>) -> Self {
        user.map_or(Self::Invalid, Self::User)
    }
}

/// Shows nothing of the user.
impl<C, R> fmt::Debug for Authentication<C, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::User(_) => "User",
            Self::Invalid => "Invalid",
            Self::Unverified => "Unverified",
            Self::Locked => "Locked",
            Self::PasswordExpired => "PasswordExpired",
            Self::SecondFactor(_) => "SecondFactor",
        })
    }
}
