use std::error::Error;

use http::{Request, Response};
use http_body::Body;

/// Sends the requests that fetch keys and introspect tokens.
///
/// Implement it to use a proxy or to trust a private certificate authority. An implementation must
/// not follow redirects, must not repeat a request, and must not log headers and bodies, which contain
/// secrets. The caller limits the size of the response and the time until it is complete; if the
/// client decompresses the body, the limit applies to the decompressed bytes.
///
/// ```
/// use std::{error::Error, future::Future};
/// use http::{Request, Response};
/// use tower_jwt_auth::{http_client::HttpClient, jwks::RemoteKeys};
///
/// struct Canned(&'static str);
///
/// impl HttpClient for Canned {
///     type Body = String;
///
///     async fn send(
///         &self,
///         request: Request<Vec<u8>>,
///     ) -> Result<Response<String>, Box<dyn Error + Send + Sync>> {
///         assert_eq!(request.uri(), "https://login.example/keys");
///         Ok(Response::new(self.0.to_owned()))
///     }
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn Error>> {
/// let keys = RemoteKeys::from_url("https://login.example/keys")
///     .client(Canned(
///         r#"{"keys":[
///             {"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}
///         ]}"#,
///     ))
///     .build()?;
/// keys.refresh().await?;
/// assert_eq!(keys.status().keys, 1);
/// # Ok(())
/// # }
/// ```
pub trait HttpClient: Send + Sync + 'static {
    /// The body of responses. It is not read beyond the size limit.
    type Body: Body<Data: Send, Error: Into<Box<dyn Error + Send + Sync>>> + Send;

    /// Sends a request, whose body is empty unless it is a `POST` request, and returns the response,
    /// whatever its status.
    ///
    /// # Errors
    ///
    /// When there is no response.
    fn send(
        &self,
        request: Request<Vec<u8>>,
    ) -> impl Future<Output = Result<Response<Self::Body>, Box<dyn Error + Send + Sync>>> + Send;
}
