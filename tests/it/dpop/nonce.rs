//! Nonces of the server (RFC 9449 sections 8 and 9).

use std::time::Duration;

use axum::Router;
use tower_jwt_auth::{ManualClock, MemoryStore, possession::Dpop};

use crate::support::{mint::clock, reply::Reply};

use super::{
    app, app_with, assert_accepted,
    client::{Client, PUBLIC_URL},
    layer, send_proof,
};

const STEP: Duration = Duration::from_secs(20);

fn app_at(clock: &ManualClock, secret: &[u8]) -> Router {
    app(Dpop::builder(PUBLIC_URL).store(MemoryStore::new()).clock(clock).nonces(secret, STEP))
}

async fn send_nonce(app: &Router, clock: &ManualClock, nonce: Option<&str>) -> Reply {
    let client = Client::es256();
    let token = client.token();
    let proof = client.proof("/notes", &token).claim("iat", clock.now().as_secs());
    send_proof(app, &token, &proof.claim("nonce", nonce).sign()).await
}

/// Asserts that the response demands a new nonce, and returns it.
#[track_caller]
fn new_nonce(reply: &Reply) -> String {
    assert_eq!((reply.status.as_u16(), &reply.json()["code"]), (401, &"use_dpop_nonce".into()));
    let [nonce] = reply.header("dpop-nonce")[..] else { panic!("a nonce") };
    let challenges = reply.header("www-authenticate");
    assert!(
        challenges[1].starts_with("DPoP ") && challenges[1].contains("error=\"use_dpop_nonce\"")
    );
    nonce.to_owned()
}

#[tokio::test]
async fn a_proof_needs_the_nonce_that_the_response_names() {
    let clock = clock();
    let app = app_at(&clock, &[7, 9].repeat(16));
    let nonce = new_nonce(&send_nonce(&app, &clock, None).await);
    let reply = send_nonce(&app, &clock, Some(&nonce)).await;
    assert_accepted(&reply);
    assert!(reply.header("dpop-nonce").is_empty());
    for other in ["", "nonce", &nonce[1..], &format!("{nonce}=")] {
        new_nonce(&send_nonce(&app, &clock, Some(other)).await);
    }
}

#[tokio::test]
async fn a_nonce_is_accepted_in_its_step_and_the_next() {
    let clock = clock();
    let app = app_at(&clock, &[7, 9].repeat(16));
    let nonce = new_nonce(&send_nonce(&app, &clock, None).await);
    clock.advance(STEP);
    assert_accepted(&send_nonce(&app, &clock, Some(&nonce)).await);
    clock.advance(STEP);
    let next = new_nonce(&send_nonce(&app, &clock, Some(&nonce)).await);
    assert_ne!(next, nonce);
    assert_accepted(&send_nonce(&app, &clock, Some(&next)).await);
}

#[tokio::test]
async fn machines_with_one_secret_accept_the_same_nonces() {
    let (clock, behind) = (clock(), clock());
    let app = app_at(&clock, &[7, 9].repeat(16));
    let nonce = new_nonce(&send_nonce(&app, &clock, None).await);
    behind.set((std::time::SystemTime::from(clock.now()) - Duration::from_secs(1)).into());
    assert_accepted(&send_nonce(&app_at(&clock, &[7, 9].repeat(16)), &clock, Some(&nonce)).await);
    assert_accepted(&send_nonce(&app_at(&behind, &[7, 9].repeat(16)), &behind, Some(&nonce)).await);
    new_nonce(&send_nonce(&app_at(&clock, &[1, 2].repeat(16)), &clock, Some(&nonce)).await);
}

#[tokio::test]
async fn no_nonce_is_required_by_default() {
    let clock = clock();
    let dpop = Dpop::builder(PUBLIC_URL).store(MemoryStore::new()).clock(&clock).build().unwrap();
    let app = app_with(layer().with_dpop(dpop));
    assert_accepted(&send_nonce(&app, &clock, None).await);
    assert_accepted(&send_nonce(&app, &clock, Some("any")).await);
}
