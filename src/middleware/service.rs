use std::{
    fmt, mem,
    sync::Arc,
    task::{Context, Poll},
};

use http::{Request, Response};
use serde::de::DeserializeOwned;
use tower::Service;

use crate::{
    check::Check,
    rejection::{JsonRejection, Rejection},
    token::NoClaims,
    transport::Carrier,
};

use super::{
    config::Config,
    future::{ResponseFuture, Waiting},
};

/// The service of [`JwtAuthLayer`](super::JwtAuthLayer). See the [module docs](super).
pub struct JwtAuth<S, C = NoClaims, R = JsonRejection> {
    inner: S,
    config: Arc<Config<C, R>>,
}

impl<S, C, R> JwtAuth<S, C, R> {
    pub(super) const fn new(inner: S, config: Arc<Config<C, R>>) -> Self {
        Self { inner, config }
    }
}

impl<S, C, R, ReqBody, ResBody> Service<Request<ReqBody>> for JwtAuth<S, C, R>
where
    S: Service<Request<ReqBody>, Response = Response<ResBody>> + Clone,
    C: DeserializeOwned + Send + Sync + 'static,
    R: Rejection<ResBody>,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = ResponseFuture<S, C, R, ReqBody, ResBody>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<ReqBody>) -> Self::Future {
        let found = self.config.sources.find(&request);
        let carrier = match &found {
            Ok(Some(found)) => found.carrier,
            Ok(None) | Err(_) => Carrier::Explicit,
        };
        match self.config.check(found, &request) {
            Check::Done(checked) => match self.config.admit(&mut request, checked, carrier) {
                Ok(()) => {
                    let challenges = self.config.inner_challenges(carrier);
                    ResponseFuture::inner(self.inner.call(request), challenges)
                }
                Err(error) => ResponseFuture::rejected(self.config.reject(error, carrier)),
            },
            Check::Pending(check) => {
                // The service that was polled ready must be called, not a clone of it, which may
                // never become ready: https://docs.rs/tower/latest/tower/trait.Service.html#be-careful-when-cloning-inner-services
                let clone = self.inner.clone();
                let ready = mem::replace(&mut self.inner, clone);
                let config = Arc::clone(&self.config);
                ResponseFuture::waiting(Waiting { check, carrier, service: ready, request, config })
            }
        }
    }
}

impl<S: Clone, C, R> Clone for JwtAuth<S, C, R> {
    fn clone(&self) -> Self {
        Self { inner: self.inner.clone(), config: Arc::clone(&self.config) }
    }
}

impl<S: fmt::Debug, C, R> fmt::Debug for JwtAuth<S, C, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JwtAuth").field("inner", &self.inner).finish_non_exhaustive()
    }
}
