//! Tokens that are bound to a key: DPoP (RFC 9449) and client certificates (RFC 8705).

mod certificate;
mod challenge;
pub(crate) mod client;
mod config;
mod introspected;
mod issuing;
mod nested;
mod nonce;
mod openapi;
mod processes;
mod proof;
mod replay;
mod request;
mod second_step;
mod together;

use axum::{Router, routing::get as route};
use tower_jwt_auth::{
    Claims, JwtAuthLayer, MemoryStore, Verifier,
    possession::{Dpop, DpopBuilder},
};

use crate::support::{mint::clock, reply::Reply};

use client::{Client, PUBLIC_URL, access_key, get};

fn dpop() -> DpopBuilder {
    Dpop::builder(PUBLIC_URL).store(MemoryStore::new()).clock(clock())
}

fn layer() -> JwtAuthLayer {
    JwtAuthLayer::new(Verifier::builder(access_key()).clock(clock()).build().unwrap())
}

fn app_with(layer: JwtAuthLayer) -> Router {
    let handler = || route(|claims: Claims| async move { claims.user_id().to_string() });
    let nested = Router::new().route("/notes", handler()).layer(layer.clone());
    Router::new().route("/notes", handler()).layer(layer).nest("/nested", nested)
}

fn app(dpop: DpopBuilder) -> Router {
    app_with(layer().with_dpop(dpop.build().unwrap()))
}

/// Sends a token of `client` with `proof` to `/notes`.
async fn send_proof(app: &Router, token: &str, proof: &str) -> Reply {
    crate::support::reply::send(app, get("/notes", &format!("DPoP {token}"), [proof])).await
}

#[track_caller]
fn assert_accepted(reply: &Reply) {
    assert_eq!((reply.status.as_u16(), &*reply.body), (200, "42"));
}

/// Asserts that the response is `401` because of the proof.
#[track_caller]
pub(crate) fn assert_invalid_proof(reply: &Reply, member: &str) {
    use tower_jwt_auth::{AuthError, AuthErrorKind};
    assert_eq!(reply.status, 401, "{member}: {}", reply.body);
    assert_eq!(reply.json()["code"], "invalid_dpop_proof", "{member}");
    let error = reply.error.as_ref().map(AuthError::kind);
    assert_eq!(error, Some(AuthErrorKind::InvalidDpopProof));
    assert_eq!(reply.error.as_ref().and_then(AuthError::member), Some(member));
}

/// Asserts that the response is `401` because of the binding of the token.
#[track_caller]
fn assert_invalid_binding(reply: &Reply, rule: &str) {
    assert_eq!((reply.status.as_u16(), &reply.json()["code"]), (401, &"token_invalid".into()));
    let error = reply.error.as_ref().unwrap();
    assert_eq!((error.member(), error.rule()), (Some("cnf"), Some(rule)));
}

#[tokio::test]
async fn accepts_a_bound_token_with_a_proof() {
    let (app, client) = (app(dpop()), Client::es256());
    let token = client.token();
    let reply = send_proof(&app, &token, &client.proof("/notes", &token).sign()).await;
    assert_accepted(&reply);
}
