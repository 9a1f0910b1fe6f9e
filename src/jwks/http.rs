//! The port to an HTTP client.

use std::error::Error;

use futures::future::BoxFuture;
use http::{Request, Response, StatusCode, header::CONTENT_ENCODING};
use http_body::Body;
use http_body_util::{BodyExt, LengthLimitError, Limited};

use super::error::{FetchError, FetchErrorKind};

/// More than any honest document has.
const MAX_BODY: usize = 256 * 1024;

/// Sends the requests for keys.
///
/// Implement it to go through a proxy, or to trust a certificate authority of one's own. It must
/// neither follow redirects nor send the request again; size and time are limited around it, and
/// whatever it decodes counts as it comes out.
///
/// ```
/// use std::{error::Error, future::Future};
/// use http::{Request, Response};
/// use tower_jwt_auth::jwks::{HttpClient, RemoteKeys};
///
/// struct Canned(&'static str);
///
/// impl HttpClient for Canned {
///     type Body = String;
///
///     async fn send(
///         &self,
///         request: Request<()>,
///     ) -> Result<Response<String>, Box<dyn Error + Send + Sync>> {
///         assert_eq!(request.uri(), "https://login.example/keys");
///         Ok(Response::new(self.0.to_owned()))
///     }
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn Error>> {
/// let keys = RemoteKeys::from_url("https://login.example/keys")
///     .client(Canned(r#"{"keys":[]}"#))
///     .build()?;
/// keys.refresh().await?;
/// assert_eq!(keys.freshness().keys, 0);
/// # Ok(())
/// # }
/// ```
pub trait HttpClient: Send + Sync + 'static {
    /// The body of responses, which is read no further than the limit.
    type Body: Body<Data: Send, Error: Into<Box<dyn Error + Send + Sync>>> + Send;

    /// Sends a `GET` request and returns the response, whatever its status.
    ///
    /// # Errors
    ///
    /// When there is no response.
    fn send(
        &self,
        request: Request<()>,
    ) -> impl Future<Output = Result<Response<Self::Body>, Box<dyn Error + Send + Sync>>> + Send;
}

/// An [`HttpClient`] of any type.
pub(super) trait Fetcher: Send + Sync {
    /// Sends `request`; of responses but `200` the body is not read.
    fn fetch(&self, request: Request<()>) -> BoxFuture<'_, Result<Response<Vec<u8>>, FetchError>>;
}

impl<T: HttpClient> Fetcher for T {
    fn fetch(&self, request: Request<()>) -> BoxFuture<'_, Result<Response<Vec<u8>>, FetchError>> {
        Box::pin(async {
            let broken = |error| FetchError::with_source(FetchErrorKind::Connection, error);
            let (parts, body) = self.send(request).await.map_err(broken)?.into_parts();
            if parts.status != StatusCode::OK {
                return Ok(Response::from_parts(parts, Vec::new()));
            }
            let encoding = parts.headers.get(CONTENT_ENCODING);
            if encoding.is_some_and(|encoding| encoding != "identity") {
                return Err(FetchErrorKind::Encoded.into());
            }
            let body = Limited::new(body, MAX_BODY).collect().await.map_err(|error| {
                if error.is::<LengthLimitError>() {
                    FetchErrorKind::TooLarge.into()
                } else {
                    broken(error)
                }
            })?;
            Ok(Response::from_parts(parts, body.to_bytes().into()))
        })
    }
}
