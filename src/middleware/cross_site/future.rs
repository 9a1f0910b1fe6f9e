use std::{
    fmt,
    future::Future,
    pin::Pin,
    task::{Context, Poll},
};

use http::Response;
use pin_project_lite::pin_project;

pin_project! {
    /// The response future of [`CrossSite`](super::CrossSite).
    pub struct CrossSiteFuture<F, ResBody> {
        #[pin]
        state: State<F, ResBody>,
    }
}

pin_project! {
    #[project = StateProj]
    enum State<F, ResBody> {
        Inner {
            #[pin]
            future: F,
        },
        Rejected {
            response: Option<Response<ResBody>>,
        },
    }
}

impl<F, ResBody> CrossSiteFuture<F, ResBody> {
    pub(super) const fn inner(future: F) -> Self {
        Self { state: State::Inner { future } }
    }

    pub(super) const fn rejected(response: Response<ResBody>) -> Self {
        Self { state: State::Rejected { response: Some(response) } }
    }
}

impl<F, ResBody, E> Future for CrossSiteFuture<F, ResBody>
where
    F: Future<Output = Result<Response<ResBody>, E>>,
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

impl<F, ResBody> fmt::Debug for CrossSiteFuture<F, ResBody> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CrossSiteFuture").finish_non_exhaustive()
    }
}
