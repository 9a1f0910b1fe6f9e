use std::{
    fmt, mem,
    task::{Context, Poll},
};

use futures::future::{BoxFuture, Either, Ready, ready};
use http::{Request, Response};
use tower::Service;

use crate::simplejwt::respond::respond;

use super::authentication::{Authentication, Decision};

/// The service that [`SimpleJwtLayer`](crate::simplejwt::SimpleJwtLayer) makes.
#[derive(Clone)]
pub struct SimpleJwtAuth<S> {
    inner: S,
    authentication: Authentication,
}

impl<S> SimpleJwtAuth<S> {
    pub(super) const fn new(inner: S, authentication: Authentication) -> Self {
        Self { inner, authentication }
    }
}

impl<S, ReqBody, ResBody> Service<Request<ReqBody>> for SimpleJwtAuth<S>
where
    S: Service<Request<ReqBody>, Response = Response<ResBody>> + Clone + Send + 'static,
    S::Future: Send,
    ReqBody: Send + 'static,
    ResBody: From<String> + 'static,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = Either<
        Either<S::Future, Ready<Result<S::Response, S::Error>>>,
        BoxFuture<'static, Result<S::Response, S::Error>>,
    >;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<ReqBody>) -> Self::Future {
        match self.authentication.decide(&mut request) {
            Decision::Admitted => Either::Left(Either::Left(self.inner.call(request))),
            Decision::Rejected(error) => {
                let challenge = self.authentication.challenge();
                Either::Left(Either::Right(ready(Ok(respond(&error, challenge)))))
            }
            Decision::Pending(verdict) => {
                // The service that was polled ready must be the one that is called:
                // https://docs.rs/tower/0.5/tower/trait.Service.html#be-careful-when-cloning-inner-services
                let clone = self.inner.clone();
                let mut inner = mem::replace(&mut self.inner, clone);
                let authentication = self.authentication.clone();
                Either::Right(Box::pin(async move {
                    match authentication.finish(&mut request, verdict).await {
                        Ok(()) => inner.call(request).await,
                        Err(error) => Ok(respond(&error, authentication.challenge())),
                    }
                }))
            }
        }
    }
}

impl<S: fmt::Debug> fmt::Debug for SimpleJwtAuth<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SimpleJwtAuth").field("inner", &self.inner).finish_non_exhaustive()
    }
}
