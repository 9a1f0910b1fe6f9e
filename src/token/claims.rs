//! [`Claims`] and the types of single claims.

use std::{
    convert::Infallible,
    fmt,
    hash::{Hash, Hasher},
    ops::Deref,
    str::FromStr,
    sync::Arc,
};

use serde::{Deserialize, Serialize};

use crate::{
    clock::NumericDate,
    error::{AuthError, AuthErrorKind},
};

use super::registered::{Registered, Text};

/// The claims of a verified token: the registered ones by methods, the application's own `C` by
/// dereferencing.
///
/// One cheap handle: cloning it copies a pointer. With the layer in place it is in the request
/// extensions, and with the `axum` feature it is an extractor.
///
/// ```
/// use serde::{Deserialize, Serialize};
/// use tower_jwt_auth::{Claims, Issuer, SigningKey, user::User};
///
/// #[derive(Serialize, Deserialize)]
/// struct Profile { username: String }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let issuer = Issuer::builder(SigningKey::hs256([7, 9].repeat(16))?).claims::<Profile>().build()?;
/// let ada = User::new(42, Profile { username: "ada".to_owned() });
/// let tokens = issuer.login(&ada).await?;
///
/// let claims: Claims<Profile> = issuer.verifier().verify(tokens.access())?;
/// assert_eq!(claims.user_id(), "42");
/// assert_eq!(claims.username, "ada");
/// # Ok(())
/// # }
/// ```
#[must_use]
pub struct Claims<C = NoClaims>(Arc<Verified<C>>);

/// A token's payload and what was read of it. Texts of `registered` are ranges of `payload`.
struct Verified<C> {
    payload: String,
    registered: Registered,
    custom: C,
}

impl<C> Claims<C> {
    // Otherwise all of it is copied twice more.
    #[inline(always)]
    pub(super) fn new(payload: String, registered: Registered, custom: C) -> Self {
        Self(Arc::new(Verified { payload, registered, custom }))
    }

    pub(super) fn registered(&self) -> &Registered {
        &self.0.registered
    }

    fn text<'a>(&'a self, text: Option<&'a Text>) -> Option<&'a str> {
        text.map(|text| text.resolve(&self.0.payload))
    }

    /// Who the token is about: the claim named by [`ClaimNames`](super::ClaimNames), as text.
    ///
    /// Empty only for a verifier that was told to do without it.
    #[must_use]
    pub fn user_id(&self) -> &str {
        self.text(self.0.registered.user_id.as_ref()).unwrap_or_default()
    }

    /// The id of this one token (`jti`).
    #[must_use]
    pub fn jti(&self) -> Option<&str> {
        self.text(self.0.registered.jti.as_ref())
    }

    /// The session the token belongs to (`sid`); all tokens of one login carry the same.
    #[must_use]
    pub fn session_id(&self) -> Option<&str> {
        self.text(self.0.registered.session_id.as_ref())
    }

    /// What the token may be used for; none only where the verifier accepts
    /// [any type](super::VerifierBuilder::any_token_type).
    #[must_use]
    pub fn token_type(&self) -> Option<&TokenType> {
        self.0.registered.token_type.as_ref()
    }

    /// When the token's lifetime ends (`exp`).
    #[must_use]
    pub fn expires_at(&self) -> NumericDate {
        self.0.registered.expires_at
    }

    /// When the token was issued (`iat`).
    #[must_use]
    pub fn issued_at(&self) -> Option<NumericDate> {
        self.0.registered.issued_at
    }

    /// When the user last gave credentials (`auth_time`).
    #[must_use]
    pub fn auth_time(&self) -> Option<NumericDate> {
        self.0.registered.auth_time
    }

    /// Who issued the token (`iss`).
    #[must_use]
    pub fn issuer(&self) -> Option<&str> {
        self.text(self.0.registered.issuer.as_ref())
    }

    /// The subject (`sub`).
    #[must_use]
    pub fn subject(&self) -> Option<&str> {
        self.text(self.0.registered.subject.as_ref())
    }

    /// The scopes the token grants: those of `scope` ([RFC 8693 section 4.2]) and of `scp`, each a
    /// text with blanks between them or an array.
    ///
    /// [RFC 8693 section 4.2]: https://www.rfc-editor.org/rfc/rfc8693#section-4.2
    pub fn scopes(&self) -> impl Iterator<Item = &str> {
        let Verified { payload, registered, .. } = &*self.0;
        registered.scope.iter(payload).chain(registered.scp.iter(payload))
    }

    /// Whether the token grants `scope`.
    #[must_use]
    pub fn has_scope(&self, scope: &str) -> bool {
        self.scopes().any(|granted| granted == scope)
    }

    /// Refuses the request unless the token grants `scope`.
    ///
    /// # Errors
    ///
    /// [`InsufficientScope`](AuthErrorKind::InsufficientScope), answered `403`, which names `scope`
    /// in its challenge.
    pub fn require_scope(&self, scope: &str) -> Result<(), AuthError> {
        if self.has_scope(scope) {
            Ok(())
        } else {
            Err(AuthError::insufficient_scope(scope.into()))
        }
    }

    /// Refuses the request unless `permits` says yes.
    ///
    /// # Errors
    ///
    /// [`Forbidden`](AuthErrorKind::Forbidden), answered `403`.
    pub fn require(&self, permits: impl FnOnce(&Self) -> bool) -> Result<(), AuthError> {
        if permits(self) { Ok(()) } else { Err(AuthErrorKind::Forbidden.into()) }
    }

    /// The token's payload: the JSON that was signed.
    #[must_use]
    pub fn json(&self) -> &str {
        &self.0.payload
    }

    #[cfg(feature = "django")]
    pub(crate) fn has_expiry(&self) -> bool {
        self.0.registered.has_expiry
    }

    pub(crate) fn epoch(&self) -> Option<&str> {
        self.text(self.0.registered.epoch.as_ref())
    }
}

impl<C> Clone for Claims<C> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<C> Deref for Claims<C> {
    type Target = C;

    fn deref(&self) -> &C {
        &self.0.custom
    }
}

impl<C> fmt::Debug for Claims<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Claims").finish_non_exhaustive()
    }
}

/// No claims of the application's own: other members of the token are ignored.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct NoClaims {}

/// What a token may be used for: a token of one type never stands in for another.
///
/// Types are equal when their names are, so `Custom("access")` is `Access`.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum TokenType {
    /// Opens protected routes.
    Access,
    /// Buys new tokens.
    Refresh,
    /// Opens protected routes and is renewed by itself, as SimpleJWT's sliding tokens.
    Sliding,
    /// A type of the application's own, such as `email_verification`.
    Custom(Box<str>),
}

impl TokenType {
    /// The name in the token's type claim.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::Access => "access",
            Self::Refresh => "refresh",
            Self::Sliding => "sliding",
            Self::Custom(name) => name,
        }
    }
}

impl PartialEq for TokenType {
    fn eq(&self, other: &Self) -> bool {
        self.as_str() == other.as_str()
    }
}

impl Eq for TokenType {}

impl Hash for TokenType {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.as_str().hash(state);
    }
}

impl From<&str> for TokenType {
    fn from(name: &str) -> Self {
        match name {
            "access" => Self::Access,
            "refresh" => Self::Refresh,
            "sliding" => Self::Sliding,
            _ => Self::Custom(name.into()),
        }
    }
}

/// The id of a user, as text; tokens that write it as a JSON number are read as well.
///
/// `Debug` hides it. `parse` it back into the application's own type:
///
/// ```
/// use tower_jwt_auth::token::UserId;
///
/// let id = UserId::from(42);
/// assert_eq!(id.as_str(), "42");
/// assert_eq!(id.parse::<u64>(), Ok(42));
/// ```
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UserId(Box<str>);

impl UserId {
    /// The id as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Reads the id as another type.
    ///
    /// # Errors
    ///
    /// Whatever `T` says when the text is not one of its values.
    pub fn parse<T: FromStr>(&self) -> Result<T, T::Err> {
        self.0.parse()
    }
}

impl fmt::Debug for UserId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("UserId([redacted])")
    }
}

impl fmt::Display for UserId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for UserId {
    type Err = Infallible;

    fn from_str(id: &str) -> Result<Self, Infallible> {
        Ok(id.into())
    }
}

impl From<&str> for UserId {
    fn from(id: &str) -> Self {
        Self(id.into())
    }
}

impl From<String> for UserId {
    fn from(id: String) -> Self {
        Self(id.into())
    }
}

macro_rules! from_integer {
    ($($integer:ty),*) => {$(
        impl From<$integer> for UserId {
            fn from(id: $integer) -> Self {
                Self(id.to_string().into())
            }
        }
    )*};
}
from_integer!(i32, i64, u32, u64, u128);
