//! One fetch: find out where the keys are, get the document, read it.

use std::{sync::Arc, time::Duration};

use aws_lc_rs::digest::{SHA256, digest};
use http::{
    HeaderMap, HeaderValue, Request, Response, StatusCode, Uri,
    header::{ACCEPT, ACCEPT_ENCODING, ETAG, IF_NONE_MATCH, USER_AGENT},
};

use super::{
    discovery,
    document::{Accepted, JwkSet},
    error::{FetchError, FetchErrorKind},
    http::Fetcher,
    location::{Location, Safety},
};

/// Where keys come from and which are taken.
pub(super) struct Origin {
    pub(super) location: Location,
    pub(super) safety: Safety,
    pub(super) client: Arc<dyn Fetcher>,
    pub(super) accepted: Accepted,
}

/// What tells a document from another one.
#[derive(Clone)]
pub(super) struct Version {
    url: Uri,
    digest: [u8; 32],
    etag: Option<HeaderValue>,
}

/// The outcome of a good fetch.
pub(super) struct Fetched {
    pub(super) headers: HeaderMap,
    pub(super) version: Version,
    /// The keys, unless they are those of the version at hand.
    pub(super) set: Option<JwkSet>,
}

impl Origin {
    /// Fetches the keys, all in all within `timeout`; `known` is the version at hand.
    pub(super) async fn fetch(
        &self,
        known: Option<Version>,
        timeout: Duration,
    ) -> Result<Fetched, FetchError> {
        let fetched = tokio::time::timeout(timeout, self.fetch_in_time(known)).await;
        fetched.unwrap_or_else(|_| Err(FetchErrorKind::Timeout.into()))
    }

    async fn fetch_in_time(&self, known: Option<Version>) -> Result<Fetched, FetchError> {
        let url = match &self.location {
            Location::Url(url) => url.clone(),
            Location::Issuer(issuer) => self.discover(issuer).await?,
        };
        let known = known.filter(|known| known.url == url);
        let etag = known.as_ref().and_then(|known| known.etag.as_ref());
        let (parts, body) = self.get(&url, etag).await?.into_parts();
        let headers = parts.headers;
        match (parts.status, known) {
            (StatusCode::NOT_MODIFIED, Some(version)) if version.etag.is_some() => {
                Ok(Fetched { headers, version, set: None })
            }
            (StatusCode::OK, known) => {
                let mut version =
                    Version { url, digest: [0; 32], etag: headers.get(ETAG).cloned() };
                version.digest.copy_from_slice(digest(&SHA256, &body).as_ref());
                let set = match known {
                    Some(known) if known.digest == version.digest => None,
                    _ => Some(JwkSet::read(&body, &self.accepted)?),
                };
                Ok(Fetched { headers, version, set })
            }
            (status, _) => Err(FetchErrorKind::Status(status).into()),
        }
    }

    async fn discover(&self, issuer: &str) -> Result<Uri, FetchError> {
        let mut refused = StatusCode::NOT_FOUND;
        for url in discovery::metadata_urls(issuer) {
            let url = self.safety.check(&url).ok_or(FetchErrorKind::InsecureUrl)?;
            let response = self.get(&url, None).await?;
            if response.status() == StatusCode::OK {
                return discovery::keys_url(response.body(), issuer, self.safety);
            }
            refused = response.status();
            // Only a server that does not have the one document may have the other.
            if !refused.is_client_error() {
                break;
            }
        }
        Err(FetchErrorKind::Status(refused).into())
    }

    async fn get(
        &self,
        url: &Uri,
        etag: Option<&HeaderValue>,
    ) -> Result<Response<Vec<u8>>, FetchError> {
        let mut request = Request::new(());
        *request.uri_mut() = url.clone();
        let headers = request.headers_mut();
        let accepted = "application/jwk-set+json, application/json";
        headers.insert(ACCEPT, HeaderValue::from_static(accepted));
        headers.insert(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
        headers.insert(USER_AGENT, HeaderValue::from_static(env!("CARGO_PKG_NAME")));
        if let Some(etag) = etag {
            headers.insert(IF_NONE_MATCH, etag.clone());
        }
        self.client.fetch(request).await
    }
}
