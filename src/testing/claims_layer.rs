use std::{
    fmt,
    task::{Context, Poll},
};

use http::Request;
use tower::Service;
use tower_layer::Layer;

use crate::{
    found::{insert_anonymous, insert_claims, remove_claims},
    token::{Claims, NoClaims},
};

/// Gives every request the same claims, whatever credentials it carries. For tests only.
///
/// It takes the place of [`JwtAuthLayer`](crate::JwtAuthLayer), so that a test needs neither keys nor
/// tokens.
///
/// ```
/// use axum::{Router, body::{Body, to_bytes}, http::Request, routing::get};
/// use tower::ServiceExt;
/// use tower_jwt_auth::{Claims, testing::ClaimsLayer, token::NoClaims};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let app = Router::new()
///     .route("/", get(|claims: Claims| async move { claims.user_id().to_string() }))
///     .layer(ClaimsLayer::new(Claims::for_test(42, NoClaims::default())));
/// let response = app.oneshot(Request::get("/").body(Body::empty())?).await?;
/// assert_eq!(to_bytes(response.into_body(), 64).await?, "42");
/// # Ok(())
/// # }
/// ```
#[must_use]
pub struct ClaimsLayer<C = NoClaims>(Option<Claims<C>>);

impl<C> ClaimsLayer<C> {
    /// Creates a layer that gives requests these claims.
    pub const fn new(claims: Claims<C>) -> Self {
        Self(Some(claims))
    }

    /// Creates a layer that passes requests on without claims, like a layer with
    /// [optional](crate::JwtAuthLayer::with_optional) authentication.
    pub const fn anonymous() -> Self {
        Self(None)
    }
}

impl<S, C> Layer<S> for ClaimsLayer<C> {
    type Service = InsertClaims<S, C>;

    fn layer(&self, inner: S) -> Self::Service {
        InsertClaims { inner, claims: self.0.clone() }
    }
}

impl<C> Clone for ClaimsLayer<C> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<C> fmt::Debug for ClaimsLayer<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ClaimsLayer").field(&self.0).finish()
    }
}

/// The service of [`ClaimsLayer`].
pub struct InsertClaims<S, C = NoClaims> {
    inner: S,
    claims: Option<Claims<C>>,
}

impl<S, C, ReqBody> Service<Request<ReqBody>> for InsertClaims<S, C>
where
    S: Service<Request<ReqBody>>,
    C: Send + Sync + 'static,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = S::Future;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<ReqBody>) -> Self::Future {
        match &self.claims {
            Some(claims) => {
                insert_claims(request.extensions_mut(), claims.clone(), remove_claims::<C>)
            }
            None => insert_anonymous::<C>(request.extensions_mut(), remove_claims::<C>),
        }
        self.inner.call(request)
    }
}

impl<S: Clone, C> Clone for InsertClaims<S, C> {
    fn clone(&self) -> Self {
        Self { inner: self.inner.clone(), claims: self.claims.clone() }
    }
}

impl<S: fmt::Debug, C> fmt::Debug for InsertClaims<S, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("InsertClaims").field("inner", &self.inner).finish_non_exhaustive()
    }
}
