//! Logins in two steps.

use axum::Router;
use http::header::SET_COOKIE;
use serde_json::{Value, json};
use tower_jwt_auth::{
    Algorithm, MemoryStore, TokenRoutes,
    possession::{Dpop, DpopBuilder},
    routes::SessionRoutes,
    token::UserId,
    transport::SessionCookies,
    user::{BackendError, SecondFactor},
};

use crate::support::{
    keys,
    login::{PASSWORD, Setup, payload},
    reply::{Reply, post, send},
};

use super::{
    assert_invalid_proof,
    client::{Client, PUBLIC_URL},
};

const CODE: &str = "755224";

/// All users have the same code, which works any number of times.
struct OneCode;

impl SecondFactor for OneCode {
    async fn is_enabled(&self, _: &UserId) -> Result<bool, BackendError> {
        Ok(true)
    }

    async fn verify(&self, _: &UserId, code: &str) -> Result<bool, BackendError> {
        Ok(code == CODE)
    }
}

fn app(setup: &Setup, change: impl FnOnce(DpopBuilder) -> DpopBuilder) -> Router {
    let dpop = Dpop::builder(PUBLIC_URL).store(MemoryStore::new()).clock(&setup.clock);
    let tokens = TokenRoutes::builder(setup.issuer(), setup.users.clone()).at("/token");
    let tokens = tokens.second_factor(OneCode).dpop(change(dpop).build().unwrap());
    let cookies = SessionCookies::builder().public_origin(PUBLIC_URL).build().unwrap();
    let sessions = SessionRoutes::builder(setup.issuer(), setup.users.clone(), &cookies);
    let sessions = sessions.at("/session").second_factor(OneCode).build().unwrap();
    tokens.build().unwrap().into_router().merge(sessions.into_router())
}

async fn send_to(app: &Router, path: &str, body: Value, client: Option<&Client>) -> Reply {
    let mut request = post(path, body.to_string());
    if let Some(client) = client {
        let proof = client.proof(path, "").claim("ath", Value::Null).claim("htm", "POST").sign();
        request.headers_mut().insert("dpop", proof.parse().unwrap());
    }
    send(app, request).await
}

async fn log_in(app: &Router, client: Option<&Client>) -> Reply {
    let body = json!({ "username": "1", "password": PASSWORD });
    send_to(app, "/token/", body, client).await
}

/// The step of a login with the right password.
async fn step(app: &Router, client: Option<&Client>) -> String {
    let reply = log_in(app, client).await;
    assert_eq!(reply.json()["code"], "second_factor_required");
    reply.json()["step"].as_str().unwrap().to_owned()
}

async fn complete(app: &Router, step: &str, client: Option<&Client>) -> Reply {
    let body = json!({ "step": step, "code": CODE });
    send_to(app, "/token/second-factor", body, client).await
}

fn other() -> Client {
    Client::with_key(Algorithm::EdDSA, keys::ED25519)
}

#[track_caller]
fn assert_bound(reply: &Reply, client: &Client) {
    assert_eq!(reply.status, 200, "{}", reply.body);
    assert_eq!(reply.json()["token_type"], "DPoP");
    for name in ["access", "refresh"] {
        let payload = payload(reply.json()[name].as_str().unwrap());
        assert_eq!(payload["cnf"], json!({ "jkt": client.jkt }), "{name}");
    }
}

#[tokio::test]
async fn the_second_step_needs_the_key_of_the_first() {
    let (setup, client) = (Setup::new(), Client::es256());
    let app = app(&setup, |dpop| dpop);
    let step = step(&app, Some(&client)).await;
    assert_eq!(payload(&step)["cnf"], json!({ "jkt": client.jkt }));
    // They are no tries, of which there are five.
    for _ in 0..5 {
        assert_invalid_proof(&complete(&app, &step, None).await, "DPoP");
        assert_invalid_proof(&complete(&app, &step, Some(&other())).await, "jwk");
    }
    assert_bound(&complete(&app, &step, Some(&client)).await, &client);
    // The step was used.
    let again = complete(&app, &step, Some(&client)).await;
    assert_eq!(again.json()["code"], "token_revoked");
}

/// Routes that check no proof do not complete the login of a key.
#[tokio::test]
async fn session_routes_reject_the_step_of_a_key() {
    let (setup, client) = (Setup::new(), Client::es256());
    let app = app(&setup, |dpop| dpop);
    let bound = step(&app, Some(&client)).await;
    let body = json!({ "step": bound, "code": CODE });
    for client in [None, Some(&client)] {
        let reply = send_to(&app, "/session/second-factor", body.clone(), client).await;
        assert_invalid_proof(&reply, "DPoP");
        assert!(!reply.headers.contains_key(SET_COOKIE));
    }
    assert_bound(&complete(&app, &bound, Some(&client)).await, &client);
}

#[tokio::test]
async fn a_proof_of_the_second_step_binds_the_tokens() {
    let (setup, client) = (Setup::new(), Client::es256());
    let app = app(&setup, |dpop| dpop);
    let unbound = step(&app, None).await;
    assert_eq!(payload(&unbound).get("cnf"), None);
    assert_bound(&complete(&app, &unbound, Some(&client)).await, &client);

    let unbound = step(&app, None).await;
    let reply = complete(&app, &unbound, None).await;
    assert_eq!((reply.status.as_u16(), reply.json().get("token_type")), (200, None));
}

#[tokio::test]
async fn each_step_uses_its_proof() {
    let (setup, client) = (Setup::new(), Client::es256());
    let app = app(&setup, |dpop| dpop);
    let sign =
        |path: &str| client.proof(path, "").claim("ath", Value::Null).claim("htm", "POST").sign();
    let with = |path: &str, body: Value, proof: &str| {
        let mut request = post(path, body.to_string());
        request.headers_mut().insert("dpop", proof.parse().unwrap());
        request
    };
    let credentials = json!({ "username": "1", "password": PASSWORD });
    let proof = sign("/token/");
    let first = send(&app, with("/token/", credentials.clone(), &proof)).await;
    assert_eq!(first.json()["code"], "second_factor_required");
    assert_invalid_proof(&send(&app, with("/token/", credentials, &proof)).await, "jti");

    let step = first.json()["step"].clone();
    let proof = sign("/token/second-factor");
    let body = |code: &str| json!({ "step": step, "code": code });
    let wrong = send(&app, with("/token/second-factor", body("000000"), &proof)).await;
    assert_eq!(wrong.json()["code"], "invalid_code");
    let again = send(&app, with("/token/second-factor", body(CODE), &proof)).await;
    assert_invalid_proof(&again, "jti");
    assert_bound(&complete(&app, step.as_str().unwrap(), Some(&client)).await, &client);
}

#[tokio::test]
async fn both_steps_need_a_proof_if_it_is_required() {
    let (setup, client) = (Setup::new(), Client::es256());
    let app = app(&setup, DpopBuilder::require);
    assert_invalid_proof(&log_in(&app, None).await, "DPoP");
    let step = step(&app, Some(&client)).await;
    assert_invalid_proof(&complete(&app, &step, None).await, "DPoP");
    assert_bound(&complete(&app, &step, Some(&client)).await, &client);
}

#[tokio::test]
async fn the_user_of_a_bound_step_can_be_found() {
    let (setup, client) = (Setup::new(), Client::es256());
    let step = step(&app(&setup, |dpop| dpop), Some(&client)).await;
    assert_eq!(setup.issuer().second_step_user(&step).await.unwrap(), "1");
}
