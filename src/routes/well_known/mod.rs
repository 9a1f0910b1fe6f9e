//! What other services must know to trust our tokens.

mod builder;
mod conditional;
mod endpoint;
mod metadata;

use std::{fmt, sync::Arc};

use axum::{Router, body::Body, extract::Request, response::Response, routing::get};
use http::HeaderMap;

use crate::token::KeySet;

pub use builder::WellKnownRoutesBuilder;

use super::reply;

/// Publishes the public keys of a [`KeySet`], and where they are.
///
/// | request | answer |
/// |---|---|
/// | `GET /.well-known/jwks.json` | the public keys ([RFC 7517 section 5]) |
/// | `GET /.well-known/openid-configuration` | the [issuer](WellKnownRoutesBuilder::issuer) and the address of its keys |
/// | `GET /.well-known/oauth-authorization-server` | the same by [RFC 8414] |
///
/// Each has a strong `ETag`, and may be cached for the
/// [`max_age`](WellKnownRoutesBuilder::max_age). They follow the keys: once the
/// [set](KeySet::replace) changes, so do the answers.
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
/// The metadata says that tokens are verified with these keys, and if told, where they are
/// [asked about](WellKnownRoutesBuilder::introspection_endpoint) and
/// [revoked](WellKnownRoutesBuilder::revocation_endpoint), and no more: there are no OAuth grants here
/// and no ID tokens, so it names neither an authorization nor a token endpoint, and no response types.
///
/// [RFC 7517 section 5]: https://www.rfc-editor.org/rfc/rfc7517#section-5
/// [RFC 8414]: https://www.rfc-editor.org/rfc/rfc8414#section-3
#[derive(Clone)]
#[must_use]
pub struct WellKnownRoutes(Arc<Shared>);

struct Shared {
    keys: KeySet,
    issuer: Option<metadata::IssuerUrl>,
    endpoints: Vec<endpoint::Endpoint>,
    cache_control: http::HeaderValue,
}

impl WellKnownRoutes {
    /// Starts routes that publish `keys`.
    pub fn builder(keys: impl Into<KeySet>) -> WellKnownRoutesBuilder {
        WellKnownRoutesBuilder::new(keys.into())
    }

    /// A router for any state, with paths from the root of the server.
    pub fn into_router<S: Clone + Send + Sync + 'static>(self) -> Router<S> {
        let issuer = self.0.issuer.as_ref();
        let jwks = issuer.map_or(metadata::JWKS_PATH.to_owned(), metadata::IssuerUrl::jwks_path);
        let documents = issuer.map(|issuer| [issuer.openid_path(), issuer.oauth_path()]);
        let mut router = self.route(Router::new(), &jwks, Shared::jwks);
        for path in documents.into_iter().flatten() {
            router = self.route(router, &path, Shared::metadata);
        }
        router
    }

    fn route<S>(
        &self,
        router: Router<S>,
        path: &str,
        document: fn(&Shared) -> (&'static str, String),
    ) -> Router<S>
    where
        S: Clone + Send + Sync + 'static,
    {
        let shared = Arc::clone(&self.0);
        let handler = move |request: Request| async move {
            let (media_type, text) = document(&shared);
            shared.answer(request.headers(), media_type, text)
        };
        // axum answers HEAD with what it answers to GET, without the body.
        let method = get(handler).fallback(|| async { reply::method_not_allowed() });
        router.route(path, method)
    }
}

impl Shared {
    fn jwks(&self) -> (&'static str, String) {
        ("application/jwk-set+json", self.keys.to_jwks())
    }

    fn metadata(&self) -> (&'static str, String) {
        let issuer = self.issuer.as_ref();
        let document = issuer.map(|issuer| issuer.metadata(&self.keys, &self.endpoints));
        ("application/json", document.unwrap_or_default())
    }

    fn answer(&self, asked: &HeaderMap, media_type: &'static str, text: String) -> Response<Body> {
        conditional::answer(asked, media_type, &self.cache_control, text)
    }
}

impl fmt::Debug for WellKnownRoutes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WellKnownRoutes").field("keys", &self.0.keys).finish_non_exhaustive()
    }
}
