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

/// What the innermost layer has left, for readers and layers that do not know its type of claims.
///
/// Functions are cheaper to insert than a second handle to the claims.
#[derive(Clone, Copy)]
struct Found {
    registered: fn(&Extensions) -> Result<RegisteredClaims, AuthError>,
    remove: fn(&mut Extensions),
}

/// Leaves `claims` for the handler, and removes what an outer layer has left, whatever its type: the
/// innermost layer decides who the user of a request is.
///
/// `remove` removes all that the calling layer leaves, for a layer inside it.
pub(crate) fn insert_claims<C: Send + Sync + 'static>(
    extensions: &mut Extensions,
    claims: Claims<C>,
    remove: fn(&mut Extensions),
) {
    replace_outer::<C>(extensions, remove);
    extensions.insert(claims);
}

/// Like [`insert_claims`], for a request that the calling layer passes on without claims.
pub(crate) fn insert_anonymous<C: Send + Sync + 'static>(
    extensions: &mut Extensions,
    remove: fn(&mut Extensions),
) {
    replace_outer::<C>(extensions, remove);
    // The application may have inserted claims itself. This layer does not vouch for them.
    extensions.remove::<Claims<C>>();
    extensions.insert(Anonymous::<C>(PhantomData));
}

fn replace_outer<C: Send + Sync + 'static>(
    extensions: &mut Extensions,
    remove: fn(&mut Extensions),
) {
    let registered = |extensions: &_| found_claims::<C>(extensions).map(Claims::registered_claims);
    if let Some(outer) = extensions.insert(Found { registered, remove }) {
        (outer.remove)(extensions);
    }
}

/// Removes what [`insert_claims`] and [`insert_anonymous`] leave.
pub(crate) fn remove_claims<C: Send + Sync + 'static>(extensions: &mut Extensions) {
    extensions.remove::<Claims<C>>();
    extensions.remove::<Anonymous<C>>();
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
        None => Err(AuthError::missing_layer(
            type_name::<Claims<C>>(),
            "JwtAuthLayer for these claims, as the innermost one,",
        )),
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
        match extensions.get::<Found>() {
            Some(found) => (found.registered)(extensions),
            None => Err(AuthError::missing_layer("RegisteredClaims", "JwtAuthLayer")),
        }
    }
}
