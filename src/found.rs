//! Claims in the extensions of a request: what a layer leaves there, and how it is found again.

use std::{any::type_name, marker::PhantomData};

use http::Extensions;

use crate::{
    error::{AuthError, AuthErrorKind},
    token::{Claims, RegisteredClaims},
};

/// Marks a request that a layer with optional authentication passed on without claims.
struct Anonymous<C>(PhantomData<fn() -> C>);

impl<C> Clone for Anonymous<C> {
    fn clone(&self) -> Self {
        Self(PhantomData)
    }
}

/// Finds what the innermost layer has left, for readers that do not know its type of claims.
///
/// A function is cheaper to insert than a second handle to the claims.
#[derive(Clone, Copy)]
struct FindRegistered(fn(&Extensions) -> Result<RegisteredClaims, AuthError>);

impl FindRegistered {
    const fn of<C: Send + Sync + 'static>() -> Self {
        Self(|extensions| found_claims::<C>(extensions).map(Claims::registered_claims))
    }
}

pub(crate) fn insert_claims<C: Send + Sync + 'static>(
    extensions: &mut Extensions,
    claims: Claims<C>,
) {
    extensions.insert(claims);
    extensions.insert(FindRegistered::of::<C>());
}

/// Removes the claims of an outer layer, which the calling layer does not vouch for.
pub(crate) fn insert_anonymous<C: Send + Sync + 'static>(extensions: &mut Extensions) {
    extensions.remove::<Claims<C>>();
    extensions.insert(Anonymous::<C>(PhantomData));
    extensions.insert(FindRegistered::of::<C>());
}

/// The claims that a layer has left in `extensions`.
pub(crate) fn found_claims<C: Send + Sync + 'static>(
    extensions: &Extensions,
) -> Result<&Claims<C>, AuthError> {
    match extensions.get::<Claims<C>>() {
        Some(claims) => Ok(claims),
        None if extensions.get::<Anonymous<C>>().is_some() => {
            Err(AuthErrorKind::MissingCredentials.into())
        }
        None => Err(AuthError::missing_layer(type_name::<Claims<C>>(), "JwtAuthLayer")),
    }
}

impl RegisteredClaims {
    /// Returns the claims that the innermost [`JwtAuthLayer`](crate::JwtAuthLayer) has left in the
    /// extensions of a request.
    ///
    /// ```
    /// use http::Request;
    /// use tower_jwt_auth::RegisteredClaims;
    ///
    /// fn user_id<B>(request: &Request<B>) -> Option<String> {
    ///     let claims = RegisteredClaims::from_extensions(request.extensions()).ok()?;
    ///     Some(claims.user_id().to_string())
    /// }
    /// ```
    ///
    /// # Errors
    ///
    /// - [`MissingCredentials`](AuthErrorKind::MissingCredentials) if authentication is optional and
    ///   the request carries no token.
    /// - [`Misconfigured`](AuthErrorKind::Misconfigured) without a layer.
    pub fn from_extensions(extensions: &Extensions) -> Result<Self, AuthError> {
        match extensions.get::<FindRegistered>() {
            Some(FindRegistered(find)) => find(extensions),
            None => Err(AuthError::missing_layer("RegisteredClaims", "JwtAuthLayer")),
        }
    }
}
