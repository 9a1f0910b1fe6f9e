use std::fmt;

use tower_layer::Layer;

use crate::{rejection::JsonRejection, transport::SessionCookies};

use super::service::CrossSite;

/// Rejects requests with a session cookie that another site may have caused.
///
/// [`JwtAuthLayer`](crate::JwtAuthLayer) does so for the requests that it authenticates by a cookie.
/// Use this layer for routes that read session cookies without it, or around a whole application.
/// Requests without a session cookie, and requests with an `Authorization` header, pass. A WebSocket
/// with a token in its [protocols](crate::transport::TokenSource::websocket_protocol) and a session
/// cookie does not: browsers send the cookie along.
///
/// The [rules](crate::transport#cross-site-requests) are those of the cookies. The response is `403`
/// with the code `cross_site_request`.
///
/// ```
/// use http::{Request, Response, StatusCode};
/// use tower::{ServiceBuilder, ServiceExt, service_fn};
/// use tower_jwt_auth::{middleware::CrossSiteLayer, transport::SessionCookies};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let cookies = SessionCookies::builder().build()?;
/// let service = ServiceBuilder::new()
///     .layer(CrossSiteLayer::new(&cookies))
///     .service_fn(|_: Request<String>| async {
///         Ok::<_, std::convert::Infallible>(Response::new(String::new()))
///     });
///
/// let request = |site| {
///     Request::post("/orders")
///         .header("cookie", "__Host-access=eyJhbGciOiJFUzI1NiJ9.e30.c2ln")
///         .header("sec-fetch-site", site)
///         .body(String::new())
/// };
/// let own = service.clone().oneshot(request("same-origin")?).await?;
/// assert_eq!(own.status(), StatusCode::OK);
/// let other = service.oneshot(request("cross-site")?).await?;
/// assert_eq!(other.status(), StatusCode::FORBIDDEN);
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
#[must_use]
pub struct CrossSiteLayer<R = JsonRejection> {
    cookies: SessionCookies,
    rejection: R,
}

impl CrossSiteLayer {
    /// Creates a layer that protects these cookies.
    pub fn new(cookies: &SessionCookies) -> Self {
        Self { cookies: cookies.clone(), rejection: JsonRejection }
    }
}

impl<R> CrossSiteLayer<R> {
    /// Sets how responses to rejected requests are made. Default: [`JsonRejection`].
    pub fn with_rejection<R2>(self, rejection: R2) -> CrossSiteLayer<R2> {
        CrossSiteLayer { cookies: self.cookies, rejection }
    }
}

impl<S, R: Clone> Layer<S> for CrossSiteLayer<R> {
    type Service = CrossSite<S, R>;

    fn layer(&self, inner: S) -> Self::Service {
        CrossSite::new(inner, self.cookies.clone(), self.rejection.clone())
    }
}

impl<R> fmt::Debug for CrossSiteLayer<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CrossSiteLayer").field("cookies", &self.cookies).finish_non_exhaustive()
    }
}
