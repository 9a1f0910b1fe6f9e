use std::{any::Any, fmt, ops::Deref, sync::Arc};

use serde::{Deserialize, Serialize};

use crate::{
    clock::NumericDate,
    error::{AuthError, AuthErrorKind, ErrorDetails},
};

use super::{
    registered::{PayloadStr, Registered},
    token_type::TokenType,
    user_id::UserId,
};

/// The claims of a verified token.
///
/// Methods return the registered claims. `Claims<C>` dereferences to `C`, the application's own
/// claims.
///
/// This is a cheap handle: a clone shares the same data. The layer inserts it into the request
/// extensions. With the `axum` feature it is also an extractor.
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
pub struct Claims<C: ?Sized = NoClaims>(Arc<Verified<C>>);

/// The claims of a verified token whose application claims have a type that is not known.
///
/// Middleware uses it to read the registered claims of any application, such as the id of the user.
/// It is made by [`Claims::registered_claims`], found in the extensions of a request by
/// [`RegisteredClaims::from_extensions`], and with the `axum` feature it is an extractor.
pub type RegisteredClaims = Claims<dyn Any + Send + Sync>;

/// A payload and the claims read from it. The strings of `registered` are ranges of `payload`.
struct Verified<C: ?Sized> {
    payload: String,
    registered: Registered,
    /// The names of the issuer if it has several.
    issuer_names: Option<Arc<[Box<str>]>>,
    custom: C,
}

impl<C> Claims<C> {
    // Without this the compiler copies all values twice.
    #[inline(always)]
    pub(super) fn new(
        payload: String,
        registered: Registered,
        issuer_names: Option<Arc<[Box<str>]>>,
        custom: C,
    ) -> Self {
        Self(Arc::new(Verified { payload, registered, issuer_names, custom }))
    }
}

impl<C: Send + Sync + 'static> Claims<C> {
    /// Returns a handle to the same claims without the type of the application's own.
    pub fn registered_claims(&self) -> RegisteredClaims {
        let claims: Arc<Verified<C>> = Arc::clone(&self.0);
        Claims(claims)
    }
}

impl<C: ?Sized> Claims<C> {
    pub(super) fn registered(&self) -> &Registered {
        &self.0.registered
    }

    fn resolve<'a>(&'a self, string: Option<&'a PayloadStr>) -> Option<&'a str> {
        string.map(|string| string.resolve(&self.0.payload))
    }

    /// Returns the id of the user, from the claim that [`ClaimNames`](super::ClaimNames) names.
    ///
    /// It is empty only if the verifier accepts tokens
    /// [without a user id](super::VerifierBuilder::optional_user_id) and the token has none.
    #[must_use]
    pub fn user_id(&self) -> &UserId {
        &self.0.registered.user_id
    }

    /// Returns the id of the token (`jti`).
    #[must_use]
    pub fn jti(&self) -> Option<&str> {
        self.resolve(self.0.registered.jti.as_ref())
    }

    /// Returns the id of the session (`sid`). All tokens of one login share it.
    #[must_use]
    pub fn session_id(&self) -> Option<&str> {
        self.resolve(self.0.registered.session_id.as_ref())
    }

    /// Returns the token type.
    ///
    /// It is `None` only if the token has no type claim and the verifier does not require one: see
    /// [`any_token_type`](super::VerifierBuilder::any_token_type) and
    /// [`TokenProfile`](super::TokenProfile).
    #[must_use]
    pub fn token_type(&self) -> Option<&TokenType> {
        self.0.registered.token_type.as_ref()
    }

    /// Returns when the token expires (`exp`).
    #[must_use]
    pub fn expires_at(&self) -> NumericDate {
        self.0.registered.expires_at
    }

    /// Returns when the token was issued (`iat`).
    #[must_use]
    pub fn issued_at(&self) -> Option<NumericDate> {
        self.0.registered.issued_at
    }

    /// Returns when the user last presented credentials (`auth_time`).
    #[must_use]
    pub fn auth_time(&self) -> Option<NumericDate> {
        self.0.registered.auth_time
    }

    /// Returns how the user was authenticated (`amr`, [RFC 8176]), for example by `pwd`, a password, and
    /// `otp`, a one-time code.
    ///
    /// The tokens of an issuer have it if the login took
    /// [two steps](crate::user::SecondFactor), if [the login names it](crate::issue::LoginStart::with_amr),
    /// or if [all logins by password do](crate::issue::IssuerBuilder::password_amr). A refresh keeps it.
    ///
    /// [RFC 8176]: https://www.rfc-editor.org/rfc/rfc8176#section-2
    pub fn amr(&self) -> impl Iterator<Item = &str> {
        self.0.registered.amr.iter().map(AsRef::as_ref)
    }

    /// Returns whether the user was authenticated by `method`, for example `otp`: see
    /// [`amr`](Self::amr).
    #[must_use]
    pub fn has_amr(&self, method: &str) -> bool {
        self.amr().any(|used| used == method)
    }

    /// Returns how strongly the user was authenticated (`acr`): the name of a class that the issuer
    /// defines ([OpenID Connect Core section 2]).
    ///
    /// The tokens of an [`Issuer`](crate::Issuer) have it if
    /// [the login names it](crate::issue::LoginStart::with_acr). A refresh keeps it.
    ///
    /// [OpenID Connect Core section 2]: https://openid.net/specs/openid-connect-core-1_0.html#IDToken
    #[must_use]
    pub fn acr(&self) -> Option<&str> {
        self.resolve(self.0.registered.acr.as_ref())
    }

    /// Returns the issuer (`iss`).
    #[must_use]
    pub fn issuer(&self) -> Option<&str> {
        self.resolve(self.0.registered.issuer.as_ref())
    }

    /// The other names of the issuer that the verifier accepts.
    pub(crate) fn other_issuer_names(&self) -> impl Iterator<Item = &str> + Clone {
        let names = self.0.issuer_names.as_deref().unwrap_or_default();
        names.iter().map(AsRef::as_ref).filter(|name| Some(*name) != self.issuer())
    }

    /// Returns the subject (`sub`).
    #[must_use]
    pub fn subject(&self) -> Option<&str> {
        self.resolve(self.0.registered.subject.as_ref())
    }

    /// Returns the nonce of an ID token (`nonce`). `None` for tokens of other
    /// [profiles](super::TokenProfile::IdToken).
    #[must_use]
    pub fn nonce(&self) -> Option<&str> {
        self.resolve(self.0.registered.nonce.as_ref())
    }

    /// Requires that the nonce of an ID token equals `expected`, the one that the client sent with
    /// the authentication request.
    ///
    /// # Errors
    ///
    /// [`InvalidClaims`](AuthErrorKind::InvalidClaims) if the token has another nonce, or none.
    pub fn require_nonce(&self, expected: &str) -> Result<(), AuthError> {
        if self.nonce() == Some(expected) {
            return Ok(());
        }
        let details = ErrorDetails {
            member: Some("nonce".into()),
            rule: Some("expected the nonce of the request".into()),
            ..ErrorDetails::default()
        };
        Err(AuthError::with_details(AuthErrorKind::InvalidClaims, details))
    }

    /// Returns the scopes that the token grants, from `scope` ([RFC 8693 section 4.2]) and `scp`.
    ///
    /// Each of the two claims is a string of scopes separated by spaces, or an array of strings.
    ///
    /// [RFC 8693 section 4.2]: https://www.rfc-editor.org/rfc/rfc8693#section-4.2
    pub fn scopes(&self) -> impl Iterator<Item = &str> {
        let Verified { payload, registered, .. } = &*self.0;
        registered.scope.iter(payload).chain(registered.scp.iter(payload))
    }

    /// Returns whether the token grants `scope`.
    #[must_use]
    pub fn has_scope(&self, scope: &str) -> bool {
        self.scopes().any(|granted| granted == scope)
    }

    /// Requires that the token grants `scope`.
    ///
    /// # Errors
    ///
    /// [`InsufficientScope`](AuthErrorKind::InsufficientScope) if it does not. The response is
    /// `403` with a challenge that names `scope`.
    pub fn require_scope(&self, scope: &str) -> Result<(), AuthError> {
        if self.has_scope(scope) {
            Ok(())
        } else {
            Err(AuthError::insufficient_scope(scope.into()))
        }
    }

    /// Requires that `permits` returns `true` for these claims.
    ///
    /// # Errors
    ///
    /// [`Forbidden`](AuthErrorKind::Forbidden) if it returns `false`. The response is `403`.
    pub fn require(&self, permits: impl FnOnce(&Self) -> bool) -> Result<(), AuthError> {
        if permits(self) { Ok(()) } else { Err(AuthErrorKind::Forbidden.into()) }
    }

    /// Returns the payload of the token: the JSON that was signed.
    #[must_use]
    pub fn json(&self) -> &str {
        &self.0.payload
    }

    #[cfg(feature = "django")]
    pub(crate) fn has_expiry(&self) -> bool {
        self.0.registered.has_expiry
    }

    /// Whether the token is bound to a key of its owner (`cnf`).
    pub(crate) fn is_bound(&self) -> bool {
        self.0.registered.is_bound
    }

    /// Whether the token's type is `DPoP`.
    pub(super) fn is_dpop(&self) -> bool {
        self.0.registered.is_dpop
    }

    pub(crate) fn epoch(&self) -> Option<&str> {
        self.resolve(self.0.registered.epoch.as_ref())
    }
}

impl<C: ?Sized> Clone for Claims<C> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<C: ?Sized> Deref for Claims<C> {
    type Target = C;

    fn deref(&self) -> &C {
        &self.0.custom
    }
}

impl<C: ?Sized> fmt::Debug for Claims<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Claims").finish_non_exhaustive()
    }
}

/// No application claims: only the registered claims are read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct NoClaims {}
