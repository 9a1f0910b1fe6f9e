use std::{error::Error, sync::Arc};

use http::{Request, Response};
use http_body_util::Empty;
use hyper::body::Incoming;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder, builderstates::WantsSchemes};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::TokioExecutor,
};
use rustls::{
    ClientConfig, RootCertStore,
    crypto::aws_lc_rs::default_provider,
    pki_types::{CertificateDer, pem::PemObject},
};

use crate::error::ConfigError;

use super::client::HttpClient;

/// The default client: HTTP/1.1 with rustls, without redirects, decompression, cookies or proxies.
pub(crate) struct TlsClient(Client<HttpsConnector<HttpConnector>, Empty<&'static [u8]>>);

impl TlsClient {
    /// Trusts the system's certificate authorities, or Mozilla's if the system has none.
    pub(crate) fn new() -> Result<Self, ConfigError> {
        let native =
            HttpsConnectorBuilder::new().with_provider_and_native_roots(default_provider());
        let builder = match native {
            Ok(builder) => builder,
            Err(_) => HttpsConnectorBuilder::new()
                .with_provider_and_webpki_roots(default_provider())
                .map_err(|_| ConfigError::ineffective("the default HTTP client has no TLS"))?,
        };
        Ok(Self::build(builder))
    }

    /// Trusts only the certificate authorities in `pem`.
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
        Ok(Self::build(HttpsConnectorBuilder::new().with_tls_config(config)))
    }

    fn build(builder: HttpsConnectorBuilder<WantsSchemes>) -> Self {
        // The URL was checked before: plain HTTP only where it was allowed.
        let connector = builder.https_or_http().enable_http1().build();
        // The server closes an idle connection between two fetches anyway.
        Self(Client::builder(TokioExecutor::new()).pool_max_idle_per_host(0).build(connector))
    }
}

impl HttpClient for TlsClient {
    type Body = Incoming;

    async fn send(
        &self,
        request: Request<()>,
    ) -> Result<Response<Incoming>, Box<dyn Error + Send + Sync>> {
        Ok(self.0.request(request.map(|()| Empty::new())).await?)
    }
}
