//! Questions of other services about our tokens.

mod form;
mod handlers;

use std::{convert::Infallible, fmt, sync::Arc};

use axum::{
    Router,
    extract::Request,
    response::{IntoResponse, Response},
    routing::{Route, post},
};
use serde::{Serialize, de::DeserializeOwned};
use tower::{Layer, Service};

use crate::{error::ConfigError, issue::Issuer, token::NoClaims};

use super::{builder::is_path, reply};

/// Tells other services about tokens ([RFC 7662]), and revokes them ([RFC 7009]).
///
/// | request | form | answer |
/// |---|---|---|
/// | `POST /introspect` | `token` | `{"active": true, …}`, or `{"active": false}` for all that is not good here and now |
/// | `POST /revoke` | `token` | `200`, also for what is no token; a refresh token's session ends |
///
/// Both take `application/x-www-form-urlencoded`, at most 16 KiB, no parameter twice;
/// `token_type_hint` is not needed and ignored. What is wrong with a request is told as
/// `{"error": "invalid_request", "error_description": "…"}`; while the store is away, the answer is
/// `503`. Nothing may be cached.
///
/// # Who may ask
///
/// Both RFCs require that clients authenticate: else whoever finds a token may probe whether it is
/// worth using, and whose it is. How they do is for the application to say, so the layer that checks
/// it cannot be left out. It sees every request to these routes before anything else does:
///
/// ```
/// use axum::{Router, extract::Request, http::{StatusCode, header::AUTHORIZATION}};
/// use axum::{middleware::{self, Next}, response::{IntoResponse, Response}};
/// use tower_jwt_auth::{Algorithm, Issuer, MemoryStore, SigningKey, routes::OAuthRoutes};
/// # use tower_jwt_auth::token::NoClaims;
///
/// async fn is_client(request: Request, next: Next) -> Response {
///     match request.headers().get(AUTHORIZATION) {
///         // Compare a digest of it, in constant time, with that of the client's.
///         Some(credentials) if credentials == "Basic Y2xpZW50OnNlY3JldA==" => next.run(request).await,
///         _ => StatusCode::UNAUTHORIZED.into_response(),
///     }
/// }
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let issuer = Issuer::builder(SigningKey::generate(Algorithm::ES256)?)
///     .store(MemoryStore::new())
///     .build()?;
/// let oauth = OAuthRoutes::builder(issuer, middleware::from_fn(is_client)).at("/oauth").build()?;
/// let app: Router = Router::new().merge(oauth.into_router());
/// # Ok(())
/// # }
/// ```
///
/// Every client that gets through may ask about, and revoke, every token that it holds: tokens are
/// not bound to clients here.
///
/// # What is told of a good token
///
/// `active`, `token_type` (`Bearer`), `exp`, `iat`, `jti`, `sub` (the user id, unless the token has
/// one of its own), and of `scope`, `client_id`, `username`, `nbf`, `aud` and `iss` what the token
/// has; then the application's claims that were [named](OAuthRoutesBuilder::claim).
///
/// A refresh token is `{"active": false}`: whoever asks was given it in the place of an access
/// token, for which it must never stand in.
///
/// [RFC 7662]: https://www.rfc-editor.org/rfc/rfc7662
/// [RFC 7009]: https://www.rfc-editor.org/rfc/rfc7009
#[must_use]
pub struct OAuthRoutes<L, C = NoClaims, R = NoClaims> {
    shared: Arc<Shared<C, R>>,
    client_auth: L,
    base: String,
}

/// What the handlers need.
struct Shared<C, R> {
    issuer: Issuer<C, R>,
    claims: Vec<Box<str>>,
}

impl<L, C, R> OAuthRoutes<L, C, R> {
    /// Starts routes for the tokens of `issuer`, to which `client_auth` admits other services.
    ///
    /// An issuer with a store is needed; without one, nothing can be revoked.
    pub fn builder(issuer: Issuer<C, R>, client_auth: L) -> OAuthRoutesBuilder<L, C, R> {
        OAuthRoutesBuilder { issuer, client_auth, base: String::new(), claims: Vec::new() }
    }
}

impl<L, C, R> OAuthRoutes<L, C, R>
where
    C: Serialize + DeserializeOwned + Send + Sync + 'static,
    R: Serialize + DeserializeOwned + Send + Sync + 'static,
    L: Layer<Route> + Clone + Send + Sync + 'static,
    L::Service: Service<Request, Error: Into<Infallible>> + Clone + Send + Sync + 'static,
    <L::Service as Service<Request>>::Response: IntoResponse + 'static,
    <L::Service as Service<Request>>::Future: Send + 'static,
{
    /// A router for any state.
    pub fn into_router<S: Clone + Send + Sync + 'static>(self) -> Router<S> {
        let router = Router::new();
        let router = self.route(router, "/introspect", handlers::introspect);
        self.route(router, "/revoke", handlers::revoke)
    }

    fn route<S, F, Fut>(&self, router: Router<S>, path: &str, handler: F) -> Router<S>
    where
        S: Clone + Send + Sync + 'static,
        F: Fn(Arc<Shared<C, R>>, Request) -> Fut + Copy + Send + Sync + 'static,
        Fut: Future<Output = Response> + Send + 'static,
    {
        let shared = Arc::clone(&self.shared);
        let method = post(move |request: Request| handler(shared, request))
            .fallback(|| async { reply::method_not_allowed() })
            .layer(self.client_auth.clone());
        router.route(&format!("{}{path}", self.base), method)
    }
}

impl<L: Clone, C, R> Clone for OAuthRoutes<L, C, R> {
    fn clone(&self) -> Self {
        let (shared, client_auth) = (Arc::clone(&self.shared), self.client_auth.clone());
        Self { shared, client_auth, base: self.base.clone() }
    }
}

impl<L, C, R> fmt::Debug for OAuthRoutes<L, C, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OAuthRoutes").field("issuer", &self.shared.issuer).finish_non_exhaustive()
    }
}

/// Sets up [`OAuthRoutes`].
#[must_use]
pub struct OAuthRoutesBuilder<L, C = NoClaims, R = NoClaims> {
    issuer: Issuer<C, R>,
    client_auth: L,
    base: String,
    claims: Vec<Box<str>>,
}

impl<L, C, R> OAuthRoutesBuilder<L, C, R> {
    /// Sets the path below which both routes are, such as `/oauth`. Default: none.
    pub fn at(mut self, base: impl Into<String>) -> Self {
        let base = base.into();
        base.trim_end_matches('/').clone_into(&mut self.base);
        self
    }

    /// Tells the application's claim `name`, too, of good tokens that have it. May be called
    /// repeatedly. Default: none.
    pub fn claim(mut self, name: impl Into<Box<str>>) -> Self {
        self.claims.push(name.into());
        self
    }

    /// Builds the routes.
    ///
    /// # Errors
    ///
    /// When the issuer has no store, the path does not begin with a slash or holds anything but
    /// letters, digits and `/-._~`, or a claim has no name or is called `active`.
    pub fn build(self) -> Result<OAuthRoutes<L, C, R>, ConfigError> {
        if !self.issuer.has_store() {
            return Err(ConfigError::ineffective(
                "without a store nothing is revoked, and nothing known of revocations",
            ));
        }
        if !(self.base.is_empty() || is_path(&self.base)) {
            return Err(ConfigError::out_of_range(
                "a path must begin with a slash and hold only letters, digits and /-._~",
            ));
        }
        if self.claims.iter().any(|name| matches!(&**name, "" | "active")) {
            return Err(ConfigError::conflict(
                "a claim to tell of has no name, or that of the answer itself",
            ));
        }
        let shared = Arc::new(Shared { issuer: self.issuer, claims: self.claims });
        Ok(OAuthRoutes { shared, client_auth: self.client_auth, base: self.base })
    }
}

impl<L, C, R> fmt::Debug for OAuthRoutesBuilder<L, C, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OAuthRoutesBuilder").field("issuer", &self.issuer).finish_non_exhaustive()
    }
}
