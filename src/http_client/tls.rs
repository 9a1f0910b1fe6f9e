use std::error::Error;

use http::{Request, Response};
use http_body_util::Empty;
use hyper::body::Incoming;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::TokioExecutor,
};
use rustls::crypto::aws_lc_rs::default_provider;

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
        // The URL was checked before: plain HTTP only where it was allowed.
        let connector = builder.https_or_http().enable_http1().build();
        // The server closes an idle connection between two fetches anyway.
        let client =
            Client::builder(TokioExecutor::new()).pool_max_idle_per_host(0).build(connector);
        Ok(Self(client))
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
