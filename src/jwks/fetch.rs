//! One fetch: locate the JWK set, request it, parse it.

use std::{sync::Arc, time::Duration};

use aws_lc_rs::digest::{SHA256, SHA256_OUTPUT_LEN, digest};
use http::{
    HeaderMap, HeaderValue, Request, Response, StatusCode, Uri,
    header::{ACCEPT, ACCEPT_ENCODING, ETAG, IF_NONE_MATCH, USER_AGENT},
};

use crate::{http_client::DynHttpClient, url::UrlRule};

use super::{
    discovery,
    error::{FetchError, FetchErrorKind},
    jwk_set::{AcceptedAlgorithms, JwkSet},
    location::Location,
};

/// Fetches the keys from their location.
pub(super) struct KeyFetcher {
    pub(super) location: Location,
    pub(super) url_rule: UrlRule,
    pub(super) client: Arc<dyn DynHttpClient>,
    pub(super) accepted: AcceptedAlgorithms,
}

/// Identifies the content of a document.
#[derive(Clone)]
pub(super) struct DocumentVersion {
    url: Uri,
    digest: [u8; SHA256_OUTPUT_LEN],
    etag: Option<HeaderValue>,
}

/// The result of a successful fetch.
pub(super) struct Fetched {
    pub(super) headers: HeaderMap,
    pub(super) version: DocumentVersion,
    /// The keys; `None` if the known version is still current.
    pub(super) set: Option<JwkSet>,
}

impl KeyFetcher {
    /// Fetches the keys, discovery included, within `timeout`. `known` is the version whose keys
    /// are in use.
    pub(super) async fn fetch(
        &self,
        known: Option<DocumentVersion>,
        timeout: Duration,
    ) -> Result<Fetched, FetchError> {
        let fetched = tokio::time::timeout(timeout, self.fetch_keys(known)).await;
        fetched.unwrap_or_else(|_| Err(FetchErrorKind::Timeout.into()))
    }

    async fn fetch_keys(&self, known: Option<DocumentVersion>) -> Result<Fetched, FetchError> {
        let url = match &self.location {
            Location::JwksUrl(url) => url.clone(),
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
                let mut sha256 = [0; SHA256_OUTPUT_LEN];
                sha256.copy_from_slice(digest(&SHA256, &body).as_ref());
                let etag = headers.get(ETAG).cloned();
                let version = DocumentVersion { url, digest: sha256, etag };
                let set = match known {
                    Some(known) if known.digest == version.digest => None,
                    _ => Some(JwkSet::parse(&body, &self.accepted)?),
                };
                Ok(Fetched { headers, version, set })
            }
            (status, _) => Err(FetchErrorKind::Status(status).into()),
        }
    }

    /// Returns the URL of the JWK set that the metadata of `issuer` names.
    async fn discover(&self, issuer: &str) -> Result<Uri, FetchError> {
        let mut last_status = StatusCode::NOT_FOUND;
        for url in discovery::metadata_urls(issuer) {
            let url = self.url_rule.parse(&url).ok_or(FetchErrorKind::InsecureUrl)?;
            let response = self.get(&url, None).await?;
            last_status = response.status();
            if last_status == StatusCode::OK {
                return discovery::jwks_url(response.body(), issuer, self.url_rule);
            }
            // Only a server that does not have the first document may have the second one.
            if !last_status.is_client_error() {
                break;
            }
        }
        Err(FetchErrorKind::Status(last_status).into())
    }

    async fn get(
        &self,
        url: &Uri,
        etag: Option<&HeaderValue>,
    ) -> Result<Response<Vec<u8>>, FetchError> {
        let mut request = Request::new(());
        *request.uri_mut() = url.clone();
        let headers = request.headers_mut();
        let media_types = "application/jwk-set+json, application/json";
        headers.insert(ACCEPT, HeaderValue::from_static(media_types));
        headers.insert(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
        headers.insert(USER_AGENT, HeaderValue::from_static(env!("CARGO_PKG_NAME")));
        if let Some(etag) = etag {
            headers.insert(IF_NONE_MATCH, etag.clone());
        }
        Ok(self.client.fetch(request).await?)
    }
}
