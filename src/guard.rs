//! Layers that require more than a valid token: a scope, a recent login, or a condition on the
//! claims.
//!
//! Add them inside [`JwtAuthLayer`](crate::JwtAuthLayer), whose claims they read. In a handler,
//! [`Claims::require_scope`] and [`Claims::require`] do the same.
//!
//! ```
//! use axum::{Router, routing::get};
//! use serde::{Deserialize, Serialize};
//! use tower_jwt_auth::{Algorithm, Claims, Issuer, SigningKey, guard::RequireLayer};
//!
//! #[derive(Serialize, Deserialize)]
//! struct Profile { is_admin: bool }
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let key = SigningKey::generate(Algorithm::HS256)?;
//! let issuer = Issuer::builder(key).claims::<Profile>().build()?;
//! let app: Router = Router::new()
//!     .route("/admin", get(|| async { "welcome" }))
//!     .layer(RequireLayer::new(|claims: &Claims<Profile>| claims.is_admin))
//!     .layer(issuer.layer());
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

use http::{Extensions, Request, Response};
use pin_project_lite::pin_project;
use tower::Service;
use tower_layer::Layer;

use crate::{
    error::AuthError,
    found::found_claims,
    rejection::{DEFAULT_REALM, JsonRejection, Rejection, respond},
    token::{Claims, RegisteredClaims, StepUp},
};

/// Checks the extensions of a request.
type Requirement = Arc<dyn Fn(&Extensions) -> Result<(), AuthError> + Send + Sync>;

/// Rejects requests whose claims do not meet a requirement with `403`, or with `401` if another login
/// can meet it. See the
/// [module docs](self).
#[must_use]
pub struct RequireLayer<R = JsonRejection> {
    requirement: Requirement,
    rejection: R,
}

impl RequireLayer {
    /// Requires that `permits` returns `true` for the claims.
    ///
    /// `C` must be the type of the claims of the authentication layer.
    pub fn new<C: Send + Sync + 'static>(
        permits: impl Fn(&Claims<C>) -> bool + Send + Sync + 'static,
    ) -> Self {
        Self::with_requirement(move |extensions| {
            found_claims::<C>(extensions)?.require(|claims| permits(claims))
        })
    }

    /// Requires a scope. The challenge of a rejected request names it ([RFC 6750 section 3.1]).
    ///
    /// ```
    /// use tower_jwt_auth::guard::RequireLayer;
    ///
    /// let write = RequireLayer::scope("write");
    /// ```
    ///
    /// [RFC 6750 section 3.1]: https://www.rfc-editor.org/rfc/rfc6750#section-3.1
    pub fn scope(scope: impl Into<Box<str>>) -> Self {
        let scope = scope.into();
        Self::with_requirement(move |extensions| {
            RegisteredClaims::from_extensions(extensions)?.require_scope(&scope)
        })
    }

    /// Requires a login that is recent or strong enough. The challenge of a rejected request names the
    /// requirement ([RFC 9470 section 3]).
    ///
    /// ```
    /// use std::time::Duration;
    /// use tower_jwt_auth::{guard::RequireLayer, token::StepUp};
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let five_minutes = StepUp::builder().max_age(Duration::from_secs(300)).build()?;
    /// let fresh = RequireLayer::step_up(five_minutes);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// [RFC 9470 section 3]: https://www.rfc-editor.org/rfc/rfc9470#section-3
    pub fn step_up(step_up: StepUp) -> Self {
        Self::with_requirement(move |extensions| {
            RegisteredClaims::from_extensions(extensions)?.require_step_up(&step_up)
        })
    }

    fn with_requirement(
        requirement: impl Fn(&Extensions) -> Result<(), AuthError> + Send + Sync + 'static,
    ) -> Self {
        Self { requirement: Arc::new(requirement), rejection: JsonRejection }
    }
}

impl<R> RequireLayer<R> {
    /// Sets how responses to rejected requests are made. Default: [`JsonRejection`].
    pub fn with_rejection<R2>(self, rejection: R2) -> RequireLayer<R2> {
        RequireLayer { requirement: self.requirement, rejection }
    }
}

impl<S, R: Clone> Layer<S> for RequireLayer<R> {
    type Service = Require<S, R>;

    fn layer(&self, inner: S) -> Self::Service {
        let requirement = Arc::clone(&self.requirement);
        Require { inner, requirement, rejection: self.rejection.clone() }
    }
}

impl<R: Clone> Clone for RequireLayer<R> {
    fn clone(&self) -> Self {
        Self { requirement: Arc::clone(&self.requirement), rejection: self.rejection.clone() }
    }
}

impl<R> fmt::Debug for RequireLayer<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RequireLayer").finish_non_exhaustive()
    }
}

/// The service of [`RequireLayer`].
pub struct Require<S, R = JsonRejection> {
    inner: S,
    requirement: Requirement,
    rejection: R,
}

impl<S, R, ReqBody, ResBody> Service<Request<ReqBody>> for Require<S, R>
where
    S: Service<Request<ReqBody>, Response = Response<ResBody>>,
    R: Rejection<ResBody>,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = ResponseFuture<S::Future, ResBody>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<ReqBody>) -> Self::Future {
        match (self.requirement)(request.extensions()) {
            Ok(()) => ResponseFuture { state: State::Inner { future: self.inner.call(request) } },
            Err(error) => {
                let response = respond(&self.rejection, error, DEFAULT_REALM);
                ResponseFuture { state: State::Rejected { response: Some(response) } }
            }
        }
    }
}

impl<S: Clone, R: Clone> Clone for Require<S, R> {
    fn clone(&self) -> Self {
        let (requirement, rejection) = (Arc::clone(&self.requirement), self.rejection.clone());
        Self { inner: self.inner.clone(), requirement, rejection }
    }
}

impl<S: fmt::Debug, R> fmt::Debug for Require<S, R> {
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
