//! [`DjangoUser`] and [`TokenUser`] as extractors.

use std::any::type_name;

use axum::extract::{FromRequestParts, OptionalFromRequestParts};
use http::{HeaderValue, request::Parts};

use crate::simplejwt::{
    database::DjangoUser,
    error::{Reason, SimpleJwtError},
};

use super::token_user::TokenUser;

/// In the extensions of a request that an optional layer let through without a user.
#[derive(Clone)]
pub(super) struct Anonymous {
    pub(super) challenge: HeaderValue,
}

macro_rules! extractor {
    ($user:ty) => {
        /// Requires a [`SimpleJwtLayer`](crate::simplejwt::SimpleJwtLayer) around the route, and
        /// responds with `500` without one. Behind an optional layer it responds with `401` if
        /// there is no token.
        impl<S: Send + Sync> FromRequestParts<S> for $user {
            type Rejection = SimpleJwtError;

            async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, SimpleJwtError> {
                found(parts)?.map_err(|anonymous| {
                    SimpleJwtError::from(Reason::NotAuthenticated)
                        .with_challenge(anonymous.challenge)
                })
            }
        }

        /// `None` without a token, behind an optional
        /// [`SimpleJwtLayer`](crate::simplejwt::SimpleJwtLayer).
        impl<S: Send + Sync> OptionalFromRequestParts<S> for $user {
            type Rejection = SimpleJwtError;

            async fn from_request_parts(
                parts: &mut Parts,
                _: &S,
            ) -> Result<Option<Self>, SimpleJwtError> {
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
        (None, None) => Err(SimpleJwtError::missing_layer(type_name::<U>())),
    }
}
