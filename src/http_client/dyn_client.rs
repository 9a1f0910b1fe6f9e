//! [`HttpClient`] with its type erased, and with a limit on the size of responses.

use std::error::Error;

use futures::future::BoxFuture;
use http::{Request, Response, StatusCode, header::CONTENT_ENCODING};
use http_body_util::{BodyExt, LengthLimitError, Limited};

use super::client::HttpClient;

/// The longest response body that is read, in bytes.
const MAX_BODY_LEN: usize = 256 * 1024;

/// An [`HttpClient`] of any type.
pub(crate) trait DynHttpClient: Send + Sync {
    /// Sends `request` and reads the whole body, if the status is `200`.
    fn fetch(
        &self,
        request: Request<Vec<u8>>,
    ) -> BoxFuture<'_, Result<Response<Vec<u8>>, ResponseError>>;
}

/// Why there is no complete response.
pub(crate) enum ResponseError {
    /// The connection failed or was closed early.
    Connection(Box<dyn Error + Send + Sync>),
    /// The body has a content encoding.
    Encoded,
    /// The body is longer than the limit.
    TooLarge,
}

impl<T: HttpClient> DynHttpClient for T {
    fn fetch(
        &self,
        request: Request<Vec<u8>>,
    ) -> BoxFuture<'_, Result<Response<Vec<u8>>, ResponseError>> {
        Box::pin(async {
            let sent = self.send(request).await;
            let (parts, body) = sent.map_err(ResponseError::Connection)?.into_parts();
            if parts.status != StatusCode::OK {
                return Ok(Response::from_parts(parts, Vec::new()));
            }
            let encoding = parts.headers.get(CONTENT_ENCODING);
            if encoding.is_some_and(|encoding| encoding != "identity") {
                return Err(ResponseError::Encoded);
            }
            let body = Limited::new(body, MAX_BODY_LEN).collect().await.map_err(|error| {
                if error.is::<LengthLimitError>() {
                    ResponseError::TooLarge
                } else {
                    ResponseError::Connection(error)
                }
            })?;
            Ok(Response::from_parts(parts, body.to_bytes().into()))
        })
    }
}
