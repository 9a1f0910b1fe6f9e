use std::fmt;

use zeroize::Zeroizing;

use super::fields::Fields;

/// What a login sends, read from the fields of its JSON body.
///
/// ```
/// use tower_jwt_auth::user::{Credentials, Fields};
///
/// struct OneTimeCode { email: String, code: String }
///
/// impl Credentials for OneTimeCode {
///     fn from_fields(fields: &mut Fields) -> Option<Self> {
///         // Read every field before the first `?`, so that all errors are reported at once.
///         let email = fields.required_string("email");
///         let code = fields.required_string("code");
///         Some(Self { email: email?, code: code? })
///     }
/// }
/// ```
///
/// Who sends the login is in [`Fields::headers`] and [`Fields::client_address`]:
///
/// ```
/// use std::net::IpAddr;
/// use tower_jwt_auth::user::{Credentials, Fields, UsernamePassword};
///
/// struct Login { who: UsernamePassword, from: Option<IpAddr>, device: Option<String> }
///
/// impl Credentials for Login {
///     fn from_fields(fields: &mut Fields) -> Option<Self> {
///         let from = fields.client_address();
///         let device = fields.headers().get("x-device-id");
///         let device = device.and_then(|id| Some(id.to_str().ok()?.to_owned()));
///         Some(Self { who: UsernamePassword::from_fields(fields)?, from, device })
///     }
/// }
/// ```
pub trait Credentials: Sized + Send + 'static {
    /// Reads the credentials. Returns `None` if a field is missing or invalid; the response to the
    /// login is then `400` with the [errors](Fields::errors) of `fields`.
    fn from_fields(fields: &mut Fields) -> Option<Self>;
}

/// A user name and a password.
#[derive(Clone)]
#[non_exhaustive]
pub struct UsernamePassword {
    /// The field `username`.
    pub username: String,
    /// The field `password`. It is wiped from memory when dropped.
    pub password: Zeroizing<String>,
}

impl Credentials for UsernamePassword {
    fn from_fields(fields: &mut Fields) -> Option<Self> {
        let username = fields.required_string("username");
        let password = fields.required_string("password");
        Some(Self { username: username?, password: password?.into() })
    }
}

impl fmt::Debug for UsernamePassword {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UsernamePassword").finish_non_exhaustive()
    }
}
