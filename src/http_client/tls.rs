#[cfg(feature = "jwks")]
use std::sync::Arc;
use std::{error::Error, time::Duration};

use http::{Request, Response};
use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder, builderstates::WantsSchemes};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::TokioExecutor,
};
use rustls::crypto::aws_lc_rs::default_provider;
#[cfg(feature = "jwks")]
use rustls::{
    ClientConfig, RootCertStore,
    pki_types::{CertificateDer, pem::PemObject},
};

use crate::error::ConfigError;

use super::client::HttpClient;

/// How many connections to a server stay open without a request.
#[cfg(feature = "introspection")]
const MAX_IDLE_CONNECTIONS: usize = 32;
/// How long they stay open. Servers close them after five seconds at the earliest.
const IDLE_TIMEOUT: Duration = Duration::from_secs(4);

/// The default client: HTTP/1.1 with rustls, without redirects, decompression, cookies or proxies.
pub(crate) struct TlsClient(Client<HttpsConnector<HttpConnector>, Full<Bytes>>);

impl TlsClient {
    /// A client for rare requests, which closes each connection. It trusts the system's certificate
    /// authorities, or Mozilla's if the system has none.
    #[cfg(feature = "jwks")]
    pub(crate) fn new() -> Result<Self, ConfigError> {
        Ok(Self::build(Self::system_roots()?, 0))
    }

    /// The same, for frequent requests. It keeps connections open for a few seconds.
    #[cfg(feature = "introspection")]
    pub(crate) fn keeping_connections() -> Result<Self, ConfigError> {
        Ok(Self::build(Self::system_roots()?, MAX_IDLE_CONNECTIONS))
    }

    fn system_roots() -> Result<HttpsConnectorBuilder<WantsSchemes>, ConfigError> {
        let native =
            HttpsConnectorBuilder::new().with_provider_and_native_roots(default_provider());
        match native {
            Ok(builder) => Ok(builder),
            Err(_) => HttpsConnectorBuilder::new()
                .with_provider_and_webpki_roots(default_provider())
                .map_err(|_| ConfigError::ineffective("the default HTTP client has no TLS")),
        }
    }

    /// Trusts only the certificate authorities in `pem`.
    #[cfg(feature = "jwks")]
    pub(crate) fn trusting(pem: &[u8]) -> Result<Self, ConfigError> {
        let no_authority = ConfigError::key("there must be a valid certificate authority in PEM");
        let mut authorities = RootCertStore::empty();
        for certificate in CertificateDer::pem_slice_iter(pem) {
            let certificate = certificate.map_err(|_| no_authority.clone())?;
            authorities.add(certificate).map_err(|_| no_authority.clone())?;
        }
        if authorities.is_empty() {
            return Err(no_authority);
        }
        let config = ClientConfig::builder_with_provider(Arc::new(default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(|_| ConfigError::ineffective("the HTTP client has no TLS"))?
            .with_root_certificates(authorities)
            .with_no_client_auth();
        Ok(Self::build(HttpsConnectorBuilder::new().with_tls_config(config), 0))
    }

    fn build(builder: HttpsConnectorBuilder<WantsSchemes>, max_idle: usize) -> Self {
        // The URL was checked before: plain HTTP only where it was allowed.
        let connector = builder.https_or_http().enable_http1().build();
        let mut client = Client::builder(TokioExecutor::new());
        client.pool_max_idle_per_host(max_idle).pool_idle_timeout(IDLE_TIMEOUT);
        Self(client.build(connector))
    }
}

impl HttpClient for TlsClient {
    type Body = Incoming;

    async fn send(
        &self,
        request: Request<Vec<u8>>,
    ) -> Result<Response<Incoming>, Box<dyn Error + Send + Sync>> {
        Ok(self.0.request(request.map(Full::from)).await?)
    }
}
