//! [`DjangoUser`] and [`TokenUser`] as arguments of handlers.

use std::any::type_name;

use axum::extract::{FromRequestParts, OptionalFromRequestParts};
use http::request::Parts;

use crate::simplejwt::{
    DjangoUser, TokenUser,
    error::{Reason, SimpleJwtError},
};

/// Put into the extensions of a request that an optional layer let through without a user.
#[derive(Clone)]
pub(super) struct Anonymous {
    pub(super) challenge: http::HeaderValue,
}

macro_rules! extractor {
    ($user:ty) => {
        /// Found by [`SimpleJwtLayer`](crate::simplejwt::SimpleJwtLayer); `401` without a token behind
        /// an optional layer, and `500` without the layer.
        impl<S: Send + Sync> FromRequestParts<S> for $user {
            type Rejection = SimpleJwtError;

            async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, SimpleJwtError> {
                found(parts)?.map_err(|anonymous| {
                    SimpleJwtError::from(Reason::NotAuthenticated).with_challenge(anonymous.challenge)
                })
            }
        }

        /// `None` without a token behind an optional
        /// [`SimpleJwtLayer`](crate::simplejwt::SimpleJwtLayer).
        impl<S: Send + Sync> OptionalFromRequestParts<S> for $user {
            type Rejection = SimpleJwtError;

            async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Option<Self>, SimpleJwtError> {
                Ok(found(parts)?.ok())
            }
        }
    };
}

extractor!(DjangoUser);
extractor!(TokenUser);

fn found<U>(parts: &Parts) -> Result<Result<U, Anonymous>, SimpleJwtError>
where
    U: Clone + Send + Sync + 'static,
{
    let extensions = &parts.extensions;
    match (extensions.get::<U>(), extensions.get::<Anonymous>()) {
        (Some(user), _) => Ok(Ok(user.clone())),
        (None, Some(anonymous)) => Ok(Err(anonymous.clone())),
        (None, None) => Err(Reason::MissingLayer(type_name::<U>()).into()),
    }
}
