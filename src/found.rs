//! Claims in the extensions of a request: what a layer leaves there, and how it is found again.

use std::{any::type_name, marker::PhantomData};

use http::Extensions;

use crate::{
    error::{AuthError, AuthErrorKind},
    token::Claims,
};

/// Marks a request that a layer with optional authentication passed on without claims.
struct Anonymous<C>(PhantomData<fn() -> C>);

impl<C> Clone for Anonymous<C> {
    fn clone(&self) -> Self {
        Self(PhantomData)
    }
}

pub(crate) fn insert_claims<C: Send + Sync + 'static>(
    extensions: &mut Extensions,
    claims: Claims<C>,
) {
    extensions.insert(claims);
}

/// Removes the claims of an outer layer: the layer that calls this does not vouch for them.
pub(crate) fn insert_anonymous<C: Send + Sync + 'static>(extensions: &mut Extensions) {
    extensions.remove::<Claims<C>>();
    extensions.insert(Anonymous::<C>(PhantomData));
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
