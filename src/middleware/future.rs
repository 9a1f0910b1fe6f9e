use std::{
    fmt,
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use futures::future::BoxFuture;
use http::{Request, Response};
use pin_project_lite::pin_project;
use serde::de::DeserializeOwned;
use tower::Service;

use crate::{
    error::AuthError,
    rejection::{Challenges, Rejection},
    token::Claims,
    transport::Carrier,
};

use super::config::Config;

pin_project! {
    /// The response future of [`JwtAuth`](super::JwtAuth).
    pub struct ResponseFuture<S, C, R, ReqBody, ResBody>
    where
        S: Service<Request<ReqBody>>,
    {
        #[pin]
        state: State<S, C, R, ReqBody, ResBody>,
    }
}

pin_project! {
    #[project = StateProj]
    enum State<S, C, R, ReqBody, ResBody>
    where
        S: Service<Request<ReqBody>>,
    {
        Inner {
            #[pin]
            future: S::Future,
            challenges: Option<Arc<Challenges>>,
        },
        Rejected {
            response: Option<Response<ResBody>>,
        },
        Waiting {
            waiting: Option<Box<Waiting<S, C, R, ReqBody>>>,
        },
    }
}

/// A request whose token is still being checked, and the ready service to call afterwards.
pub(super) struct Waiting<S, C, R, ReqBody> {
    pub(super) check: BoxFuture<'static, Result<Claims<C>, AuthError>>,
    pub(super) carrier: Carrier,
    pub(super) service: S,
    pub(super) request: Request<ReqBody>,
    pub(super) config: Arc<Config<C, R>>,
}

impl<S, C, R, ReqBody, ResBody> ResponseFuture<S, C, R, ReqBody, ResBody>
where
    S: Service<Request<ReqBody>>,
{
    pub(super) const fn inner(future: S::Future, challenges: Option<Arc<Challenges>>) -> Self {
        Self { state: State::Inner { future, challenges } }
    }

    pub(super) const fn rejected(response: Response<ResBody>) -> Self {
        Self { state: State::Rejected { response: Some(response) } }
    }

    pub(super) fn waiting(waiting: Waiting<S, C, R, ReqBody>) -> Self {
        Self { state: State::Waiting { waiting: Some(Box::new(waiting)) } }
    }
}

impl<S, C, R, ReqBody, ResBody> Future for ResponseFuture<S, C, R, ReqBody, ResBody>
where
    S: Service<Request<ReqBody>, Response = Response<ResBody>>,
    C: DeserializeOwned + Send + Sync + 'static,
    R: Rejection<ResBody>,
{
    type Output = Result<Response<ResBody>, S::Error>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut state = self.project().state;
        loop {
            let next = match state.as_mut().project() {
                StateProj::Inner { future, challenges: None } => return future.poll(cx),
                StateProj::Inner { future, challenges: Some(challenges) } => {
                    return future.poll(cx).map_ok(|mut response| {
                        challenges.replace_default(&mut response);
                        response
                    });
                }
                StateProj::Rejected { response } => {
                    let response = response.take().expect("polled after completion");
                    return Poll::Ready(Ok(response));
                }
                StateProj::Waiting { waiting } => {
                    let check = &mut waiting.as_mut().expect("polled after completion").check;
                    let checked = ready!(check.as_mut().poll(cx));
                    let Waiting { carrier, mut service, mut request, config, .. } =
                        *waiting.take().expect("present above");
                    match config.admit(&mut request, checked, carrier) {
                        Ok(()) => {
                            let challenges = config.inner_challenges(carrier);
                            State::Inner { future: service.call(request), challenges }
                        }
                        Err(error) => {
                            State::Rejected { response: Some(config.reject(error, carrier)) }
                        }
                    }
                }
            };
            state.set(next);
        }
    }
}

impl<S, C, R, ReqBody, ResBody> fmt::Debug for ResponseFuture<S, C, R, ReqBody, ResBody>
where
    S: Service<Request<ReqBody>>,
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResponseFuture").finish_non_exhaustive()
    }
}
