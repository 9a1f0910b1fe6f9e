//! One fetch: locate the JWK set, request it, parse it.

use std::{sync::Arc, time::Duration};

use aws_lc_rs::digest::{SHA256, SHA256_OUTPUT_LEN, digest};
use http::{
    HeaderMap, HeaderValue, Request, Response, StatusCode, Uri,
    header::{ACCEPT, ACCEPT_ENCODING, ETAG, IF_NONE_MATCH, USER_AGENT},
};

use crate::{http_client::DynHttpClient, url::UrlRule};

use super::{
    certificate_map,
    discovery::{Misses, jwks_url},
    error::{FetchError, FetchErrorKind},
    jwk_set,
    key_rules::KeyRules,
    location::Location,
    published::PublishedKeys,
};

/// Fetches the keys from their location.
pub(super) struct KeyFetcher {
    pub(super) location: Location,
    pub(super) url_rule: UrlRule,
    pub(super) client: Arc<dyn DynHttpClient>,
    pub(super) rules: KeyRules,
}

/// Identifies the content of a document.
#[derive(Clone)]
pub(super) struct DocumentVersion {
    url: Uri,
    digest: [u8; SHA256_OUTPUT_LEN],
    etag: Option<HeaderValue>,
}

impl DocumentVersion {
    pub(super) fn has_same_content(&self, other: &Self) -> bool {
        self.digest == other.digest
    }
}

/// The result of a successful fetch.
pub(super) struct Fetched {
    pub(super) headers: HeaderMap,
    pub(super) version: DocumentVersion,
    /// The keys; `None` if the known version is still current.
    pub(super) keys: Option<PublishedKeys>,
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
            Location::JwkSet(url) | Location::Certificates(url) => url.clone(),
            Location::Issuer { issuer, metadata } => self.discover(issuer, metadata).await?,
            Location::Tenants { template, metadata } => {
                self.discover(template.as_str(), metadata).await?
            }
        };
        let known = known.filter(|known| known.url == url);
        let etag = known.as_ref().and_then(|known| known.etag.as_ref());
        let (parts, body) = self.get(&url, etag).await?.into_parts();
        let headers = parts.headers;
        match (parts.status, known) {
            (StatusCode::NOT_MODIFIED, Some(version)) if version.etag.is_some() => {
                Ok(Fetched { headers, version, keys: None })
            }
            (StatusCode::OK, known) => {
                let mut sha256 = [0; SHA256_OUTPUT_LEN];
                sha256.copy_from_slice(digest(&SHA256, &body).as_ref());
                let etag = headers.get(ETAG).cloned();
                let version = DocumentVersion { url, digest: sha256, etag };
                let keys = match known {
                    Some(known) if known.has_same_content(&version) => None,
                    _ => Some(self.parse(&body)?),
                };
                Ok(Fetched { headers, version, keys })
            }
            (status, _) => Err(FetchErrorKind::Status(status).into()),
        }
    }

    fn parse(&self, document: &[u8]) -> Result<PublishedKeys, FetchErrorKind> {
        match self.location {
            Location::Certificates(_) => certificate_map::parse(document, &self.rules),
            Location::JwkSet(_) | Location::Issuer { .. } | Location::Tenants { .. } => {
                jwk_set::parse(document, &self.rules)
            }
        }
    }

    /// Returns the URL of the JWK set that the metadata of `issuer` names. The metadata is requested
    /// from each location until one has it.
    async fn discover(&self, issuer: &str, locations: &[Uri]) -> Result<Uri, FetchError> {
        let mut misses = Misses::default();
        for url in locations {
            let found = match self.get(url, None).await {
                Ok(response) if response.status() == StatusCode::OK => {
                    jwks_url(response.body(), issuer, self.url_rule)
                }
                Ok(response) => Err(FetchErrorKind::Status(response.status()).into()),
                Err(error) => Err(error),
            };
            match found {
                Ok(url) => return Ok(url),
                Err(error) => misses.add(error)?,
            }
        }
        Err(misses.into_error())
    }

    async fn get(
        &self,
        url: &Uri,
        etag: Option<&HeaderValue>,
    ) -> Result<Response<Vec<u8>>, FetchError> {
        let mut request = Request::new(Vec::new());
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
