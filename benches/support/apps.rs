//! The routers that are compared. Each responds to `GET /api/items` with `204`.

use std::{hint::black_box, sync::Arc};

use axum::{
    Router,
    body::Body,
    extract::{FromRequestParts, Request},
    response::Response,
    routing::get,
};
use futures::FutureExt;
use http::{
    StatusCode,
    header::{ACCEPT, ACCEPT_ENCODING, AUTHORIZATION, HOST, USER_AGENT},
    request::Parts,
};
use jsonwebtoken::{DecodingKey, Validation};
use serde::{Deserialize, Serialize};
use tower::{Layer, Service, ServiceExt};
use tower_jwt_auth::{AuthError, Claims, Verifier};

pub(crate) const PATH: &str = "/api/items";

/// All claims of the tokens, owned.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct AllClaims {
    pub(crate) token_type: String,
    pub(crate) exp: u64,
    pub(crate) iat: u64,
    pub(crate) jti: String,
    pub(crate) user_id: String,
    pub(crate) username: String,
    pub(crate) email: String,
    pub(crate) is_admin: bool,
}

/// The application's own claims.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Profile {
    pub(crate) username: String,
    pub(crate) email: String,
    pub(crate) is_admin: bool,
}

/// The router without authentication.
pub(crate) fn open() -> Router {
    Router::new().route(PATH, get(async || StatusCode::NO_CONTENT))
}

/// A careful hand-written use of jsonwebtoken: key and rules are prepared once, claims are typed, and
/// the response is a status only.
pub(crate) struct Baseline {
    pub(crate) key: DecodingKey,
    pub(crate) validation: Validation,
}

impl Baseline {
    pub(crate) fn router(self) -> Router {
        let handler = async |claims: AllClaims| {
            black_box(&claims.username);
            StatusCode::NO_CONTENT
        };
        Router::new().route(PATH, get(handler)).with_state(Arc::new(self))
    }
}

impl FromRequestParts<Arc<Baseline>> for AllClaims {
    type Rejection = StatusCode;

    async fn from_request_parts(
        parts: &mut Parts,
        baseline: &Arc<Baseline>,
    ) -> Result<Self, StatusCode> {
        let token = bearer(parts).ok_or(StatusCode::UNAUTHORIZED)?;
        match jsonwebtoken::decode(token, &baseline.key, &baseline.validation) {
            Ok(data) => Ok(data.claims),
            Err(_) => Err(StatusCode::UNAUTHORIZED),
        }
    }
}

pub(crate) fn bearer(parts: &Parts) -> Option<&str> {
    parts.headers.get(AUTHORIZATION)?.to_str().ok()?.strip_prefix("Bearer ")
}

/// A router whose handler extracts the claims that a layer inserted.
pub(crate) fn protected() -> Router {
    Router::new().route(PATH, get(read))
}

async fn read(claims: Claims<Profile>) -> StatusCode {
    black_box(&claims.username);
    StatusCode::NO_CONTENT
}

/// A router without a layer, whose extractor calls the verifier.
pub(crate) fn extracting(verifier: Verifier<Profile>) -> Router {
    let handler = async |Verified(claims): Verified| read(claims).await;
    Router::new().route(PATH, get(handler)).with_state(verifier)
}

struct Verified(Claims<Profile>);

impl FromRequestParts<Verifier<Profile>> for Verified {
    type Rejection = AuthError;

    async fn from_request_parts(
        parts: &mut Parts,
        verifier: &Verifier<Profile>,
    ) -> Result<Self, AuthError> {
        let token = bearer(parts).ok_or(tower_jwt_auth::AuthErrorKind::MissingCredentials)?;
        verifier.verify(token).map(Self)
    }
}

/// A layer that does nothing, to measure the cost of any layer.
#[derive(Clone, Copy)]
pub(crate) struct NoLayer;

#[derive(Clone)]
pub(crate) struct NoService<S>(S);

impl<S> Layer<S> for NoLayer {
    type Service = NoService<S>;

    fn layer(&self, inner: S) -> NoService<S> {
        NoService(inner)
    }
}

impl<S: Service<Request>> Service<Request> for NoService<S> {
    type Response = S::Response;
    type Error = S::Error;
    type Future = S::Future;

    fn poll_ready(
        &mut self,
        cx: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Result<(), S::Error>> {
        self.0.poll_ready(cx)
    }

    fn call(&mut self, request: Request) -> S::Future {
        self.0.call(request)
    }
}

/// A request with six headers, one of them the token, or with five without a token.
pub(crate) fn request(token: Option<&str>) -> Parts {
    let request = Request::get(PATH)
        .header(HOST, "api.example.com")
        .header(USER_AGENT, "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101")
        .header(ACCEPT, "application/json")
        .header(ACCEPT_ENCODING, "gzip, deflate, br, zstd")
        .header("x-request-id", "6f1ed002ab5595859014ebf0951522d9");
    let request = match token {
        Some(token) => request.header(AUTHORIZATION, format!("Bearer {token}")),
        None => request,
    };
    request.body(()).expect("a valid request").into_parts().0
}

/// Calls a clone of `service` with a copy of `request`, as servers do.
pub(crate) fn call<S>(service: S, request: Parts, expected: StatusCode) -> impl FnMut() -> Response
where
    S: Service<Request, Response = Response> + Clone + 'static,
    S::Error: std::fmt::Debug,
{
    move || {
        let request = Request::from_parts(request.clone(), Body::empty());
        let response = service.clone().oneshot(request).now_or_never();
        let response = response.expect("nothing is pending").expect("nothing fails");
        assert_eq!(response.status(), expected);
        response
    }
}

/// Like [`call`], with copies of `requests` in turn.
pub(crate) fn call_in_turn<S>(service: S, requests: Vec<Parts>) -> impl FnMut() -> Response
where
    S: Service<Request, Response = Response> + Clone + 'static,
    S::Error: std::fmt::Debug,
{
    let mut next = 0;
    move || {
        next = (next + 1) % requests.len();
        call(service.clone(), requests[next].clone(), StatusCode::NO_CONTENT)()
    }
}
