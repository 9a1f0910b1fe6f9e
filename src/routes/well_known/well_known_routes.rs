use std::{fmt, sync::Arc};

use axum::{Router, extract::Request, response::Response, routing::get};
use http::HeaderValue;

use crate::token::KeySet;

use super::{
    super::rejection::RouteRejection,
    conditional,
    endpoint::Endpoint,
    metadata::{IssuerUrl, JWKS_PATH},
};

/// Publishes the public keys of a [`KeySet`], and the metadata of their issuer.
///
/// | request | response |
/// |---|---|
/// | `GET /.well-known/jwks.json` | the public keys ([RFC 7517 section 5]) |
/// | `GET /.well-known/openid-configuration` | the metadata: the [issuer](super::WellKnownRoutesBuilder::issuer) and the URL of its keys ([OpenID Connect Discovery]) |
/// | `GET /.well-known/oauth-authorization-server` | the same metadata ([RFC 8414]) |
///
/// Each response has a strong `ETag` and may be cached for
/// [`max_age`](super::WellKnownRoutesBuilder::max_age). When the [key set](KeySet::replace) changes,
/// the responses change.
///
/// ```
/// use axum::Router;
/// use tower_jwt_auth::{Algorithm, KeySet, SigningKey, routes::WellKnownRoutes};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let keys = KeySet::from(SigningKey::generate(Algorithm::ES256)?);
/// let well_known = WellKnownRoutes::builder(keys).issuer("https://login.example").build()?;
/// let app: Router = Router::new().merge(well_known.into_router());
/// # Ok(())
/// # }
/// ```
///
/// The metadata names the keys and, if configured, the endpoints for
/// [introspection](super::WellKnownRoutesBuilder::introspection_endpoint) and
/// [revocation](super::WellKnownRoutesBuilder::revocation_endpoint). This crate has no OAuth grants
/// and no ID tokens, so the metadata names neither an authorization nor a token endpoint, and no
/// response types.
///
/// [RFC 7517 section 5]: https://www.rfc-editor.org/rfc/rfc7517#section-5
/// [OpenID Connect Discovery]: https://openid.net/specs/openid-connect-discovery-1_0.html
/// [RFC 8414]: https://www.rfc-editor.org/rfc/rfc8414#section-3
#[derive(Clone)]
#[must_use]
pub struct WellKnownRoutes(pub(super) Arc<WellKnownState>);

/// The state of the handlers.
pub(super) struct WellKnownState {
    pub(super) keys: KeySet,
    pub(super) issuer: Option<IssuerUrl>,
    pub(super) endpoints: Vec<Endpoint>,
    pub(super) cache_control: HeaderValue,
}

/// The media type and the body of a document.
type Document = (&'static str, String);

impl WellKnownRoutes {
    pub(super) fn new(state: WellKnownState) -> Self {
        Self(Arc::new(state))
    }

    /// Converts the routes into a router for any state. The paths start at the root of the server.
    pub fn into_router<S: Clone + Send + Sync + 'static>(self) -> Router<S> {
        let router = self.route(Router::new(), &self.0.jwks_path(), WellKnownState::jwks);
        let metadata_paths = self.0.metadata_paths().into_iter();
        metadata_paths
            .fold(router, |router, path| self.route(router, &path, WellKnownState::metadata))
    }

    fn route<S>(
        &self,
        router: Router<S>,
        path: &str,
        document: fn(&WellKnownState) -> Document,
    ) -> Router<S>
    where
        S: Clone + Send + Sync + 'static,
    {
        let state = Arc::clone(&self.0);
        let handler = move |request: Request| async move { state.respond(&request, document) };
        // axum also serves HEAD, without the body.
        let method =
            get(handler).fallback(|| async { RouteRejection::default().method_not_allowed() });
        router.route(path, method)
    }
}

impl WellKnownState {
    pub(super) fn jwks_path(&self) -> String {
        self.issuer.as_ref().map_or(JWKS_PATH.to_owned(), IssuerUrl::jwks_path)
    }

    pub(super) fn metadata_paths(&self) -> Vec<String> {
        let issuers = self.issuer.iter();
        issuers.flat_map(|issuer| [issuer.openid_path(), issuer.oauth_path()]).collect()
    }

    fn jwks(&self) -> Document {
        ("application/jwk-set+json", self.keys.to_jwks())
    }

    pub(super) fn metadata(&self) -> Document {
        let issuer = self.issuer.as_ref();
        let metadata = issuer.map(|issuer| issuer.metadata(&self.keys, &self.endpoints));
        ("application/json", metadata.unwrap_or_default())
    }

    fn respond(&self, request: &Request, document: fn(&Self) -> Document) -> Response {
        let (media_type, body) = document(self);
        conditional::respond(request.headers(), media_type, &self.cache_control, body)
    }
}

impl fmt::Debug for WellKnownRoutes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WellKnownRoutes").field("keys", &self.0.keys).finish_non_exhaustive()
    }
}
