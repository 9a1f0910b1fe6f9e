//! A layer in front of a service that notes who comes through, and the answers of both.

use std::{
    future::{Ready, ready},
    mem,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Context, Poll},
};

use http::{Extensions, HeaderMap, HeaderName, HeaderValue, Request, Response, StatusCode, header};
use serde::Deserialize;
use tower::{Layer, Service, ServiceExt};
use tower_jwt_auth::{
    Algorithm, AuthError, AuthErrorKind, Claims, JwtAuthLayer, Verifier, VerifyingKey,
    token::VerifierBuilder,
};

use super::{
    keys,
    mint::{Minter, claims, clock},
};

/// Claims of an application's own.
#[derive(Debug, Deserialize)]
pub(crate) struct Profile {
    pub(crate) username: String,
}

/// Trusts the tokens of [`Minter::hs256`], and remembers them.
pub(crate) fn verifier_builder<C>() -> VerifierBuilder<C> {
    let key = VerifyingKey::from_secret(Algorithm::HS256, keys::SECRET).unwrap();
    Verifier::builder(key).claims().clock(clock()).cache(64 * 1024)
}

/// Demands a Bearer token, and nothing else.
pub(crate) fn layer() -> JwtAuthLayer {
    layer_of()
}

/// A [`layer`] for claims of another type.
pub(crate) fn layer_of<C>() -> JwtAuthLayer<C> {
    JwtAuthLayer::new(verifier_builder().build().unwrap())
}

/// A token of user 42 that [`layer`] admits.
pub(crate) fn valid_token() -> String {
    token(&[])
}

/// A token like [`valid_token`], with some members changed.
pub(crate) fn token(changes: &[(&str, &str)]) -> String {
    Minter::hs256().token(claims(changes))
}

pub(crate) fn request() -> Request<String> {
    Request::new(String::new())
}

/// A request with these `Authorization` lines.
pub(crate) fn with_authorization(lines: &[&str]) -> Request<String> {
    with_lines(&header::AUTHORIZATION, lines)
}

pub(crate) fn with_lines(name: &HeaderName, lines: &[&str]) -> Request<String> {
    let mut request = request();
    for line in lines {
        request.headers_mut().append(name, HeaderValue::from_bytes(line.as_bytes()).unwrap());
    }
    request
}

pub(crate) fn bearer(token: &str) -> Request<String> {
    with_authorization(&[&format!("Bearer {token}")])
}

/// What came back for a request, and who got through to the inner service.
pub(crate) struct LayerResponse {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) extensions: Extensions,
    pub(crate) body: String,
    /// The user of the claims, empty for a request without any; `None` where nobody came through.
    pub(crate) entered: Option<String>,
}

impl LayerResponse {
    /// The kind of the error in the extensions.
    pub(crate) fn kind(&self) -> Option<AuthErrorKind> {
        self.extensions.get().map(AuthError::kind)
    }

    /// The user who came through, or why nobody did.
    pub(crate) fn outcome(&self) -> Result<&str, AuthErrorKind> {
        match (&self.entered, self.kind()) {
            (Some(user), None) => Ok(user),
            (None, Some(kind)) => Err(kind),
            (entered, kind) => panic!("{entered:?} entered, and the response is {kind:?}"),
        }
    }

    pub(crate) fn challenges(&self) -> Vec<&str> {
        let lines = self.headers.get_all(header::WWW_AUTHENTICATE).iter();
        lines.map(|line| line.to_str().unwrap()).collect()
    }
}

/// Sends `request` through `layer`: once with a token that is new to it, as every token is without
/// a cache, and once more when it may remember it. The answers are the same.
pub(crate) async fn send<L>(layer: &L, request: Request<String>) -> LayerResponse
where
    L: Layer<InnerService>,
    L::Service: Service<Request<String>, Response = Response<String>, Error = NotReady>,
{
    let first = send_once(layer, request.clone()).await;
    let again = send_once(layer, request).await;
    let summary = |response: &LayerResponse| {
        (response.status, response.headers.clone(), response.body.clone(), response.entered.clone())
    };
    assert_eq!(summary(&again), summary(&first));
    again
}

/// Sends `request` through `layer` once only.
pub(crate) async fn send_once<L>(layer: &L, request: Request<String>) -> LayerResponse
where
    L: Layer<InnerService>,
    L::Service: Service<Request<String>, Response = Response<String>, Error = NotReady>,
{
    let notes = Arc::default();
    let response = layer.layer(InnerService::new(&notes)).oneshot(request).await.unwrap();
    let (parts, body) = response.into_parts();
    let entered = notes.entered().pop();
    let (status, headers, extensions) = (parts.status, parts.headers, parts.extensions);
    LayerResponse { status, headers, extensions, body, entered }
}

/// The service behind the layers. It fails when called without having been polled ready, which a
/// fresh clone never has been.
pub(crate) struct InnerService {
    ready: bool,
    notes: Arc<Notes>,
}

#[derive(Debug)]
pub(crate) struct NotReady;

/// What a [`InnerService`] and its clones have seen.
#[derive(Default)]
pub(crate) struct Notes {
    entered: Mutex<Vec<String>>,
    clones: AtomicUsize,
}

impl Notes {
    /// The users that came through so far; requests without claims count as of user "".
    pub(crate) fn entered(&self) -> Vec<String> {
        self.entered.lock().unwrap().clone()
    }

    pub(crate) fn clones(&self) -> usize {
        self.clones.load(Ordering::SeqCst)
    }
}

impl InnerService {
    pub(crate) fn new(notes: &Arc<Notes>) -> Self {
        Self { ready: false, notes: Arc::clone(notes) }
    }
}

impl Clone for InnerService {
    fn clone(&self) -> Self {
        self.notes.clones.fetch_add(1, Ordering::SeqCst);
        Self::new(&self.notes)
    }
}

impl<B> Service<Request<B>> for InnerService {
    type Response = Response<String>;
    type Error = NotReady;
    type Future = Ready<Result<Response<String>, NotReady>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), NotReady>> {
        self.ready = true;
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        if !mem::take(&mut self.ready) {
            return ready(Err(NotReady));
        }
        let claims = request.extensions().get::<Claims>();
        let user = claims.map(|claims| claims.user_id().to_string()).unwrap_or_default();
        self.notes.entered.lock().unwrap().push(user);
        ready(Ok(Response::new("welcome".to_owned())))
    }
}
