//! Layers that demand more than a good token: a scope, or anything the claims tell.
//!
//! They stand inside of [`JwtAuthLayer`](crate::JwtAuthLayer) and read the claims it found. In a
//! handler, [`Claims::require_scope`] and [`Claims::require`] do the same.
//!
//! ```
//! use axum::{Router, routing::get};
//! use serde::{Deserialize, Serialize};
//! use tower_jwt_auth::{Algorithm, Claims, Issuer, JwtAuthLayer, SigningKey, guard::RequireLayer};
//!
//! #[derive(Serialize, Deserialize)]
//! struct Profile { is_admin: bool }
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let issuer = Issuer::builder(SigningKey::generate(Algorithm::HS256)?).claims::<Profile>().build()?;
//! let app: Router = Router::new()
//!     .route("/admin", get(|| async { "welcome" }))
//!     .layer(RequireLayer::new(|claims: &Claims<Profile>| claims.is_admin))
//!     .layer(JwtAuthLayer::new(issuer.verifier()));
//! # Ok(())
//! # }
//! ```

use std::{
    fmt,
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use http::{Request, Response};
use pin_project_lite::pin_project;
use tower::Service;
use tower_layer::Layer;

use crate::{
    error::AuthError,
    found::found_claims,
    rejection::{DEFAULT_REALM, JsonRejection, Rejection, respond},
    token::{Claims, NoClaims},
};

type Demand<C> = Arc<dyn Fn(&Claims<C>) -> Result<(), AuthError> + Send + Sync>;

/// Refuses requests whose claims are not enough with `403`. See the [module docs](self).
///
/// `C` must be the type of the claims that the authentication layer puts in.
#[must_use]
pub struct RequireLayer<C = NoClaims, R = JsonRejection> {
    demand: Demand<C>,
    rejection: R,
}

impl<C> RequireLayer<C> {
    /// Demands that `permits` says yes to the claims.
    pub fn new(permits: impl Fn(&Claims<C>) -> bool + Send + Sync + 'static) -> Self {
        Self::of(move |claims| claims.require(&permits))
    }

    /// Demands a scope; the challenge of a refused request names it ([RFC 6750 section 3.1]).
    ///
    /// Nothing in it tells which claims the authentication layer puts in, so they must be named:
    ///
    /// ```
    /// use tower_jwt_auth::{guard::RequireLayer, token::NoClaims};
    ///
    /// let write = RequireLayer::<NoClaims>::scope("write");
    /// ```
    ///
    /// [RFC 6750 section 3.1]: https://www.rfc-editor.org/rfc/rfc6750#section-3.1
    pub fn scope(scope: impl Into<Box<str>>) -> Self {
        let scope = scope.into();
        Self::of(move |claims| claims.require_scope(&scope))
    }

    fn of(demand: impl Fn(&Claims<C>) -> Result<(), AuthError> + Send + Sync + 'static) -> Self {
        Self { demand: Arc::new(demand), rejection: JsonRejection }
    }
}

impl<C, R> RequireLayer<C, R> {
    /// Sets what refused requests are answered with. Default: [`JsonRejection`].
    pub fn with_rejection<R2>(self, rejection: R2) -> RequireLayer<C, R2> {
        RequireLayer { demand: self.demand, rejection }
    }
}

impl<S, C, R: Clone> Layer<S> for RequireLayer<C, R> {
    type Service = Require<S, C, R>;

    fn layer(&self, inner: S) -> Self::Service {
        let demand = Arc::clone(&self.demand);
        Require { inner, demand, rejection: self.rejection.clone() }
    }
}

impl<C, R: Clone> Clone for RequireLayer<C, R> {
    fn clone(&self) -> Self {
        Self { demand: Arc::clone(&self.demand), rejection: self.rejection.clone() }
    }
}

impl<C, R> fmt::Debug for RequireLayer<C, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RequireLayer").finish_non_exhaustive()
    }
}

/// The service that [`RequireLayer`] makes.
pub struct Require<S, C = NoClaims, R = JsonRejection> {
    inner: S,
    demand: Demand<C>,
    rejection: R,
}

impl<S, C, R, ReqBody, ResBody> Service<Request<ReqBody>> for Require<S, C, R>
where
    S: Service<Request<ReqBody>, Response = Response<ResBody>>,
    C: Send + Sync + 'static,
    R: Rejection<ResBody>,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = ResponseFuture<S::Future, ResBody>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<ReqBody>) -> Self::Future {
        let claims = found_claims::<C>(request.extensions());
        match claims.and_then(|claims| (self.demand)(claims)) {
            Ok(()) => ResponseFuture { state: State::Inner { future: self.inner.call(request) } },
            Err(error) => {
                let response = respond(&self.rejection, error, DEFAULT_REALM);
                ResponseFuture { state: State::Rejected { response: Some(response) } }
            }
        }
    }
}

impl<S: Clone, C, R: Clone> Clone for Require<S, C, R> {
    fn clone(&self) -> Self {
        let (demand, rejection) = (Arc::clone(&self.demand), self.rejection.clone());
        Self { inner: self.inner.clone(), demand, rejection }
    }
}

impl<S: fmt::Debug, C, R> fmt::Debug for Require<S, C, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Require").field("inner", &self.inner).finish_non_exhaustive()
    }
}

pin_project! {
    /// The response future of [`Require`].
    #[derive(Debug)]
    pub struct ResponseFuture<F, B> {
        #[pin]
        state: State<F, B>,
    }
}

pin_project! {
    #[derive(Debug)]
    #[project = StateProj]
    enum State<F, B> {
        Inner {
            #[pin]
            future: F,
        },
        Rejected {
            response: Option<Response<B>>,
        },
    }
}

impl<F, B, E> Future for ResponseFuture<F, B>
where
    F: Future<Output = Result<Response<B>, E>>,
{
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match self.project().state.project() {
            StateProj::Inner { future } => future.poll(cx),
            StateProj::Rejected { response } => {
                Poll::Ready(Ok(response.take().expect("polled after completion")))
            }
        }
    }
}
