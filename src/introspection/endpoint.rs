//! One request to the introspection endpoint.

use std::{sync::Arc, task::Poll, time::Duration};

use form_urlencoded::Serializer;
use http::{
    HeaderMap, HeaderValue, Method, Request, StatusCode, Uri,
    header::{ACCEPT, ACCEPT_ENCODING, CONTENT_TYPE, USER_AGENT},
};
use tokio::{
    sync::Semaphore,
    time::{Instant, timeout_at},
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
    /// One for each request that may be under way.
    pub(super) permits: Semaphore,
}

impl Endpoint {
    /// Returns the body of the response, which is `application/json`.
    pub(super) async fn introspect(
        &self,
        token: &str,
        now: NumericDate,
    ) -> Result<Vec<u8>, IntrospectionError> {
        // Without a need to wait, no timer is needed, nor a runtime that has one.
        let (deadline, _permit) = match self.permits.try_acquire() {
            Ok(permit) => (None, permit),
            Err(_) => {
                let deadline = Instant::now() + self.timeout;
                let permit = timeout_at(deadline, self.permits.acquire()).await;
                let permit = permit.ok().and_then(Result::ok);
                (Some(deadline), permit.ok_or(IntrospectionErrorKind::Overloaded)?)
            }
        };
        let mut response = self.client.fetch(self.request(token, now)?);
        let response = match futures::poll!(&mut response) {
            Poll::Ready(response) => response?,
            Poll::Pending => {
                let deadline = deadline.unwrap_or_else(|| Instant::now() + self.timeout);
                let response = timeout_at(deadline, response).await;
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
