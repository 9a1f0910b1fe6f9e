//! One request to the introspection endpoint.

use std::{sync::Arc, task::Poll, time::Duration};

use form_urlencoded::Serializer;
use http::{
    HeaderMap, HeaderValue, Method, Request, StatusCode, Uri,
    header::{ACCEPT, ACCEPT_ENCODING, CONTENT_TYPE, USER_AGENT},
};

use crate::{clock::NumericDate, http_client::DynHttpClient};

use super::{
    client_auth::ClientAuth,
    error::{IntrospectionError, IntrospectionErrorKind},
};

/// Where tokens are introspected, and how.
pub(super) struct Endpoint {
    pub(super) url: Uri,
    pub(super) auth: ClientAuth,
    pub(super) client: Arc<dyn DynHttpClient>,
    pub(super) timeout: Duration,
}

impl Endpoint {
    /// Returns the body of the response, which is `application/json`.
    pub(super) async fn introspect(
        &self,
        token: &str,
        now: NumericDate,
    ) -> Result<Vec<u8>, IntrospectionError> {
        let mut response = self.client.fetch(self.request(token, now)?);
        // A client that responds at once needs no timer and no runtime that has one.
        let response = match futures::poll!(&mut response) {
            Poll::Ready(response) => response?,
            Poll::Pending => {
                let response = tokio::time::timeout(self.timeout, response).await;
                response.map_err(|_| IntrospectionErrorKind::Timeout)??
            }
        };
        if response.status() != StatusCode::OK {
            return Err(IntrospectionErrorKind::Status(response.status()).into());
        }
        if !is_json(response.headers()) {
            return Err(IntrospectionErrorKind::WrongMediaType.into());
        }
        Ok(response.into_body())
    }

    fn request(
        &self,
        token: &str,
        now: NumericDate,
    ) -> Result<Request<Vec<u8>>, IntrospectionError> {
        let mut headers = HeaderMap::new();
        let form = HeaderValue::from_static("application/x-www-form-urlencoded");
        headers.insert(CONTENT_TYPE, form);
        headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
        headers.insert(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
        headers.insert(USER_AGENT, HeaderValue::from_static(env!("CARGO_PKG_NAME")));
        let mut parameters = Serializer::new(String::new());
        parameters.append_pair("token", token).append_pair("token_type_hint", "access_token");
        self.auth.authenticate(&mut headers, &mut parameters, now)?;
        let mut request = Request::new(parameters.finish().into_bytes());
        *request.method_mut() = Method::POST;
        *request.uri_mut() = self.url.clone();
        *request.headers_mut() = headers;
        Ok(request)
    }
}

fn is_json(headers: &HeaderMap) -> bool {
    let mut types = headers.get_all(CONTENT_TYPE).iter();
    let (Some(media_type), None) = (types.next(), types.next()) else { return false };
    let essence = media_type.as_bytes().split(|byte| *byte == b';').next().unwrap_or_default();
    essence.trim_ascii().eq_ignore_ascii_case(b"application/json")
}
