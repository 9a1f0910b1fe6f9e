//! A layer around a service that records its callers, and the responses of both.

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

/// The claims of an application.
#[derive(Debug, Deserialize)]
pub(crate) struct Profile {
    pub(crate) username: String,
}

/// A verifier of the tokens of [`Minter::hs256`], with a cache.
pub(crate) fn verifier_builder<C>() -> VerifierBuilder<C> {
    let key = VerifyingKey::from_secret(Algorithm::HS256, keys::SECRET).unwrap();
    Verifier::builder(key).claims().clock(clock()).cache(64 * 1024)
}

/// A layer that requires a Bearer token.
pub(crate) fn layer() -> JwtAuthLayer {
    layer_of()
}

/// A [`layer`] for claims of the type `C`.
pub(crate) fn layer_of<C>() -> JwtAuthLayer<C> {
    JwtAuthLayer::new(verifier_builder().build().unwrap())
}

/// A token of user 42 that [`layer`] accepts.
pub(crate) fn valid_token() -> String {
    token(&[])
}

/// A token like [`valid_token`] with changed claims.
pub(crate) fn token(changes: &[(&str, &str)]) -> String {
    Minter::hs256().token(claims(changes))
}

pub(crate) fn request() -> Request<String> {
    Request::new(String::new())
}

/// A request with these `Authorization` fields.
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

/// A response, and the user whose request reached the inner service.
pub(crate) struct LayerResponse {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) extensions: Extensions,
    pub(crate) body: String,
    /// The user id that the inner service found, empty without claims. `None` if it was not called.
    pub(crate) user: Option<String>,
}

impl LayerResponse {
    /// The kind of the error in the extensions.
    pub(crate) fn kind(&self) -> Option<AuthErrorKind> {
        self.extensions.get().map(AuthError::kind)
    }

    /// The user id that the inner service found, or why it was not called.
    pub(crate) fn outcome(&self) -> Result<&str, AuthErrorKind> {
        match (&self.user, self.kind()) {
            (Some(user), None) => Ok(user),
            (None, Some(kind)) => Err(kind),
            (user, kind) => panic!("the inner service found {user:?}, and the error is {kind:?}"),
        }
    }

    pub(crate) fn challenges(&self) -> Vec<&str> {
        let lines = self.headers.get_all(header::WWW_AUTHENTICATE).iter();
        lines.map(|line| line.to_str().unwrap()).collect()
    }
}

/// Sends `request` through `layer` twice, because the verifier may have cached the token after the
/// first time. Both responses must be equal.
pub(crate) async fn send<L>(layer: &L, request: Request<String>) -> LayerResponse
where
    L: Layer<InnerService>,
    L::Service: Service<Request<String>, Response = Response<String>, Error = NotReady>,
{
    let first = send_once(layer, request.clone()).await;
    let second = send_once(layer, request).await;
    let summary = |response: &LayerResponse| {
        (response.status, response.headers.clone(), response.body.clone(), response.user.clone())
    };
    assert_eq!(summary(&second), summary(&first));
    second
}

/// Sends `request` through `layer` once.
pub(crate) async fn send_once<L>(layer: &L, request: Request<String>) -> LayerResponse
where
    L: Layer<InnerService>,
    L::Service: Service<Request<String>, Response = Response<String>, Error = NotReady>,
{
    let calls = Arc::default();
    let response = layer.layer(InnerService::new(&calls)).oneshot(request).await.unwrap();
    let (parts, body) = response.into_parts();
    let user = calls.users().pop();
    let (status, headers, extensions) = (parts.status, parts.headers, parts.extensions);
    LayerResponse { status, headers, extensions, body, user }
}

/// The service inside the layers. It fails if it is called without being polled ready, like a fresh
/// clone.
pub(crate) struct InnerService {
    ready: bool,
    calls: Arc<Calls>,
}

#[derive(Debug)]
pub(crate) struct NotReady;

/// The calls of an [`InnerService`] and its clones.
#[derive(Default)]
pub(crate) struct Calls {
    users: Mutex<Vec<String>>,
    clones: AtomicUsize,
}

impl Calls {
    /// The user id of each call so far, empty without claims.
    pub(crate) fn users(&self) -> Vec<String> {
        self.users.lock().unwrap().clone()
    }

    pub(crate) fn clones(&self) -> usize {
        self.clones.load(Ordering::SeqCst)
    }
}

impl InnerService {
    pub(crate) fn new(calls: &Arc<Calls>) -> Self {
        Self { ready: false, calls: Arc::clone(calls) }
    }
}

impl Clone for InnerService {
    fn clone(&self) -> Self {
        self.calls.clones.fetch_add(1, Ordering::SeqCst);
        Self::new(&self.calls)
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
        self.calls.users.lock().unwrap().push(user);
        ready(Ok(Response::new("welcome".to_owned())))
    }
}
