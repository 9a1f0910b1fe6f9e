use std::{
    fmt,
    task::{Context, Poll},
};

use http::{Request, Response};
use tower::Service;

use crate::{
    rejection::{DEFAULT_REALM, JsonRejection, Rejection, respond},
    transport::SessionCookies,
};

use super::future::CrossSiteFuture;

/// The service of [`CrossSiteLayer`](super::CrossSiteLayer).
#[derive(Clone)]
pub struct CrossSite<S, R = JsonRejection> {
    inner: S,
    cookies: SessionCookies,
    rejection: R,
}

impl<S, R> CrossSite<S, R> {
    pub(super) const fn new(inner: S, cookies: SessionCookies, rejection: R) -> Self {
        Self { inner, cookies, rejection }
    }
}

impl<S, R, ReqBody, ResBody> Service<Request<ReqBody>> for CrossSite<S, R>
where
    S: Service<Request<ReqBody>, Response = Response<ResBody>>,
    R: Rejection<ResBody>,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = CrossSiteFuture<S::Future, ResBody>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<ReqBody>) -> Self::Future {
        match self.cookies.check(&request) {
            Err(kind) if self.cookies.are_present(request.headers()) => {
                CrossSiteFuture::rejected(respond(&self.rejection, kind.into(), DEFAULT_REALM))
            }
            _ => CrossSiteFuture::inner(self.inner.call(request)),
        }
    }
}

impl<S: fmt::Debug, R> fmt::Debug for CrossSite<S, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CrossSite")
            .field("inner", &self.inner)
            .field("cookies", &self.cookies)
            .finish_non_exhaustive()
    }
}
