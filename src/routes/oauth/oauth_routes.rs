use std::{convert::Infallible, fmt, sync::Arc};

use axum::{
    Router,
    extract::Request,
    response::{IntoResponse, Response},
    routing::Route,
};
use serde::{Serialize, de::DeserializeOwned};
use tower::{Layer, Service};

use crate::token::NoClaims;

use super::{
    super::{
        endpoint::{endpoint, no_other_method},
        oauth_error,
        route_error::RouteError,
    },
    handlers::{self, OAuthState},
};

/// Token introspection ([RFC 7662]) and token revocation ([RFC 7009]) for other services.
///
/// | request | form | response |
/// |---|---|---|
/// | `POST /introspect` | `token` | `{"active": true, …}` for a valid access token, otherwise `{"active": false}` |
/// | `POST /revoke` | `token` | `200` once the token is revoked, and for an invalid token; the session of a refresh token ends |
///
/// Request bodies are `application/x-www-form-urlencoded` in UTF-8, not compressed, at most 16 KiB,
/// without repeated parameters. `token_type_hint` is ignored. The body of an error response is
/// `{"error": "invalid_request", "error_description": "…"}`. While the store is unavailable, the
/// response is `503`. All responses have `Cache-Control: no-store`.
///
/// # Client authentication
///
/// Both RFCs require that clients authenticate. Otherwise anyone who has found a token could learn
/// whether it is valid and who its user is. The application provides the authentication as a layer,
/// which sees every request to these routes first:
///
/// ```
/// use axum::{Router, extract::Request, http::{StatusCode, header::AUTHORIZATION}};
/// use axum::{middleware::{self, Next}, response::{IntoResponse, Response}};
/// use tower_jwt_auth::{Algorithm, Issuer, MemoryStore, SigningKey, routes::OAuthRoutes};
///
/// async fn authenticate_client(request: Request, next: Next) -> Response {
///     match request.headers().get(AUTHORIZATION) {
///         // Compare digests of the credentials, in constant time.
///         Some(credentials) if credentials == "Basic Y2xpZW50OnNlY3JldA==" => next.run(request).await,
///         _ => StatusCode::UNAUTHORIZED.into_response(),
///     }
/// }
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let issuer = Issuer::builder(SigningKey::generate(Algorithm::ES256)?)
///     .store(MemoryStore::new())
///     .build()?;
/// let client_auth = middleware::from_fn(authenticate_client);
/// let oauth = OAuthRoutes::builder(issuer, client_auth).at("/oauth").build()?;
/// let app: Router = Router::new().merge(oauth.into_router());
/// # Ok(())
/// # }
/// ```
///
/// An authenticated client can introspect and revoke every token that it has. Tokens are not bound to
/// clients.
///
/// # The introspection response
///
/// The response for a valid access token has `active`, `token_type` (`Bearer`), `exp`, `iat`, `jti`
/// and `sub` (the user id, unless the token has a subject of its own). If the token has them, it
/// also has `scope`, `client_id`, `username`, `nbf`, `aud`, `iss` and the
/// [named claims](super::OAuthRoutesBuilder::claim) of the application.
///
/// A refresh token is `{"active": false}`: it must never be accepted in place of an access token.
///
/// # What can be revoked
///
/// Refresh and access tokens can be revoked. An access token is rejected wherever the store is asked
/// from then on. For other valid tokens of the issuer, such as those of
/// [`issue`](crate::Issuer::issue), the response is `400` with the error `unsupported_token_type`:
/// the verifiers of such tokens do not ask the store.
///
/// [RFC 7662]: https://www.rfc-editor.org/rfc/rfc7662
/// [RFC 7009]: https://www.rfc-editor.org/rfc/rfc7009
#[must_use]
pub struct OAuthRoutes<L, C = NoClaims, R = NoClaims> {
    pub(super) state: Arc<OAuthState<C, R>>,
    pub(super) client_auth: L,
    pub(super) base: String,
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
    /// Converts the routes into a router for any state.
    pub fn into_router<S: Clone + Send + Sync + 'static>(self) -> Router<S> {
        let router = Router::new();
        let router = self.route(router, "/introspect", handlers::introspect);
        self.route(router, "/revoke", handlers::revoke)
    }

    fn route<S, F, Fut>(&self, router: Router<S>, path: &str, handler: F) -> Router<S>
    where
        S: Clone + Send + Sync + 'static,
        F: Fn(Arc<OAuthState<C, R>>, Request) -> Fut + Copy + Send + Sync + 'static,
        Fut: Future<Output = Result<Response, RouteError>> + Send + 'static,
    {
        let rejection = oauth_error::rejection();
        let methods = no_other_method(&rejection).post(endpoint(&self.state, &rejection, handler));
        router.route(&format!("{}{path}", self.base), methods.layer(self.client_auth.clone()))
    }
}

impl<L: Clone, C, R> Clone for OAuthRoutes<L, C, R> {
    fn clone(&self) -> Self {
        let Self { state, client_auth, base } = self;
        Self { state: Arc::clone(state), client_auth: client_auth.clone(), base: base.clone() }
    }
}

impl<L, C, R> fmt::Debug for OAuthRoutes<L, C, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OAuthRoutes").field("issuer", &self.state.issuer).finish_non_exhaustive()
    }
}
