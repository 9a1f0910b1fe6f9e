//! Ready-made axum routes: [`TokenRoutes`], [`WellKnownRoutes`] and [`OAuthRoutes`].
//!
//! # Token routes
//!
//! | request | body | answer |
//! |---|---|---|
//! | `POST /` | `{"username", "password"}` | `{"access", "refresh"}` |
//! | `POST /refresh` | `{"refresh"}` | `{"access"}`, with rotation also `"refresh"` |
//! | `POST /verify` | `{"token"}` | `{}` if the access or refresh token is good; spends nothing |
//! | `POST /blacklist` | `{"refresh"}` | `{}` once the token's session has ended; may be repeated |
//!
//! Each answers with and without a trailing slash. The last one is there only if the issuer has a
//! store. Bodies are JSON objects of at most 16 KiB, in which no member may stand twice.
//!
//! Whatever goes wrong is told as `{"detail": "…", "code": "…"}`: `detail` for people, `code` for
//! programs. The codes are those of [`AuthErrorKind::code`](crate::AuthErrorKind::code), and:
//!
//! | status | code | when |
//! |---|---|---|
//! | 400 | `invalid_body` | no JSON object; or with `"errors": {"username": ["…"]}` |
//! | 405 | `method_not_allowed` | not `POST` |
//! | 413 | `body_too_large` | more than 16 KiB |
//! | 415 | `unsupported_media_type` | not `application/json` |
//!
//! No answer may be cached. Every `401` carries a challenge.
//!
//! For other services there are [`WellKnownRoutes`], which publish the keys, and [`OAuthRoutes`],
//! which tell about tokens and revoke them.

mod body;
mod builder;
mod handlers;
mod oauth;
mod reply;
mod well_known;

use std::{fmt, sync::Arc};

use axum::{Router, extract::Request, response::Response, routing::post};
use serde::{Serialize, de::DeserializeOwned};

use crate::{issue::Issuer, token::NoClaims, user::UserBackend};

#[cfg(feature = "django")]
pub(crate) use body::{BodyError, DistinctObject, read_whole};
pub use builder::TokenRoutesBuilder;
#[cfg(feature = "django")]
pub(crate) use builder::is_path;
pub use oauth::{OAuthRoutes, OAuthRoutesBuilder};
pub use well_known::{WellKnownRoutes, WellKnownRoutesBuilder};

/// Routes that log in, refresh, verify and log out. See the [module docs](self).
///
/// ```
/// use axum::Router;
/// use tower_jwt_auth::{Issuer, MemoryStore, SigningKey, TokenRoutes, token::NoClaims};
/// # use tower_jwt_auth::password::{MemoryUsers, PasswordHasher};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let secret = [7, 9].repeat(16);
/// # let users = MemoryUsers::new(PasswordHasher::new());
/// let issuer = Issuer::builder(SigningKey::hs256(secret)?)
///     .rotate_refresh_tokens(true)
///     .store(MemoryStore::new())
///     .build()?;
///
/// let tokens = TokenRoutes::builder(issuer, users).at("/api/token").build()?;
/// let app: Router = Router::new().merge(tokens.into_router());
/// # Ok(())
/// # }
/// ```
///
/// With [`Router::nest`] instead of [`at`](TokenRoutesBuilder::at), axum leads only one spelling
/// of the prefix to `POST /`: the one without a slash at its end, or with it if the prefix is
/// nested with it.
#[must_use]
pub struct TokenRoutes<U, C = NoClaims, R = NoClaims>(Arc<Shared<U, C, R>>);

/// What the handlers need.
struct Shared<U, C, R> {
    issuer: Issuer<C, R>,
    users: U,
    settings: builder::Settings<C, R>,
}

impl<U: UserBackend<C, R>, C, R> TokenRoutes<U, C, R> {
    /// Routes for the tokens of `issuer` and the logins of `users`, with every setting at its
    /// default.
    pub fn new(issuer: Issuer<C, R>, users: U) -> Self {
        Self::with_settings(issuer, users, builder::Settings::default())
    }

    /// Starts routes with settings of their own.
    pub fn builder(issuer: Issuer<C, R>, users: U) -> TokenRoutesBuilder<U, C, R> {
        TokenRoutesBuilder::new(issuer, users)
    }

    fn with_settings(issuer: Issuer<C, R>, users: U, settings: builder::Settings<C, R>) -> Self {
        Self(Arc::new(Shared { issuer, users, settings }))
    }
}

impl<U, C, R> TokenRoutes<U, C, R>
where
    U: UserBackend<C, R>,
    C: Serialize + DeserializeOwned + Send + Sync + 'static,
    R: Serialize + DeserializeOwned + Send + Sync + 'static,
{
    /// A router for any state.
    pub fn into_router<S: Clone + Send + Sync + 'static>(self) -> Router<S> {
        let paths = self.0.settings.paths();
        let mut router = Router::new();
        router = self.route(router, &paths.obtain, handlers::obtain);
        router = self.route(router, &paths.refresh, handlers::refresh);
        router = self.route(router, &paths.verify, handlers::verify);
        if self.0.issuer.has_store() {
            router = self.route(router, &paths.blacklist, handlers::blacklist);
        }
        router
    }

    fn route<S, F, Fut>(&self, router: Router<S>, path: &str, handler: F) -> Router<S>
    where
        S: Clone + Send + Sync + 'static,
        F: Fn(Arc<Shared<U, C, R>>, Request) -> Fut + Copy + Send + Sync + 'static,
        Fut: Future<Output = Response> + Send + 'static,
    {
        let shared = Arc::clone(&self.0);
        let method = post(move |request: Request| handler(shared, request))
            .fallback(|| async { reply::method_not_allowed() });
        let bare = path.trim_end_matches('/');
        let slashed = router.route(&format!("{bare}/"), method.clone());
        if bare.is_empty() { slashed } else { slashed.route(bare, method) }
    }
}

impl<U, C, R> Clone for TokenRoutes<U, C, R> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<U, C, R> fmt::Debug for TokenRoutes<U, C, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TokenRoutes").field("issuer", &self.0.issuer).finish_non_exhaustive()
    }
}
