//! Tokens that are bound to the key of the client (RFC 9449).

use axum::{Router, body::Body};
use http::{Method, Request, header::CONTENT_TYPE};
use serde_json::{Value, json};
use tower_jwt_auth::{
    MemoryStore, TokenRoutes,
    possession::{Dpop, DpopBuilder},
};

use crate::{
    dpop::{
        assert_invalid_proof,
        client::{Client, PUBLIC_URL},
    },
    support::{
        login::payload,
        reply::{Reply, send},
    },
    users::database::{Database, on_both_databases},
};

use super::setup::{PASSWORD, Setup, new_user};

on_both_databases! {
    a_sign_up_with_a_proof_binds_its_tokens
    a_sign_up_without_a_valid_proof_creates_nothing
    sign_ups_without_tokens_need_no_proof
    a_bound_token_changes_the_password
}

fn app(setup: &Setup, change: impl FnOnce(DpopBuilder) -> DpopBuilder) -> Router {
    let dpop = Dpop::builder(PUBLIC_URL).store(MemoryStore::new()).clock(&setup.clock);
    let dpop = change(dpop).build().unwrap();
    let tokens = TokenRoutes::builder(setup.issuer.clone(), setup.users.clone());
    let tokens = tokens.at("/api/token").dpop(dpop.clone()).build().unwrap();
    let routes = setup.routes().tokens_at_sign_up(true).dpop(dpop).build().unwrap();
    tokens.into_router().merge(routes.into_router())
}

/// Sends JSON with a proof, and with a bound token if there is one.
async fn call(
    app: &Router,
    (method, path): (Method, &str),
    body: &Value,
    client: &Client,
    access: Option<&str>,
) -> Reply {
    let proof = client.proof(path, access.unwrap_or_default()).claim("htm", method.as_str());
    let proof = if access.is_none() { proof.claim("ath", Value::Null) } else { proof };
    let mut request = Request::builder().method(method).uri(path).header("dpop", proof.sign());
    if let Some(access) = access {
        request = request.header("authorization", format!("DPoP {access}"));
    }
    let request = request.header(CONTENT_TYPE, "application/json");
    send(app, request.body(Body::from(body.to_string())).unwrap()).await
}

fn with_tokens(name: &str) -> Value {
    let mut user = new_user(name);
    user["tokens"] = true.into();
    user
}

const SIGN_UP: (Method, &str) = (Method::POST, "/api/users/");

async fn a_sign_up_with_a_proof_binds_its_tokens(database: Database) {
    let (setup, client) = (Setup::new(database), Client::es256());
    let app = app(&setup, |dpop| dpop);
    let reply = call(&app, SIGN_UP, &with_tokens("ada"), &client, None).await;
    assert_eq!(reply.status, 201, "{reply:?}");
    let body = reply.json();
    assert_eq!(body["token_type"], "DPoP");
    for name in ["access", "refresh"] {
        let payload = payload(body[name].as_str().unwrap());
        assert_eq!(payload["cnf"], json!({ "jkt": client.jkt }), "{name}");
    }
    let access = body["access"].as_str().unwrap();
    let me = (Method::GET, "/api/me");
    let reply = call(&app, me, &json!({}), &client, Some(access)).await;
    assert_eq!((reply.status.as_u16(), &reply.json()["username"]), (200, &json!("ada")));
    let refresh = json!({ "refresh": body["refresh"] });
    let path = (Method::POST, "/api/token/refresh/");
    let reply = call(&app, path, &refresh, &client, None).await;
    assert_eq!(reply.json()["token_type"], "DPoP");

    let unbound = super::setup::call(&app, "/users/", &with_tokens("bob")).await;
    assert_eq!((unbound.status.as_u16(), unbound.json().get("token_type")), (201, None));
}

async fn a_sign_up_without_a_valid_proof_creates_nothing(database: Database) {
    let (setup, client) = (Setup::new(database), Client::es256());
    let required = app(&setup, DpopBuilder::require);
    let reply = super::setup::call(&required, "/users/", &with_tokens("ada")).await;
    assert_invalid_proof(&reply, "DPoP");
    let proof = client.proof("/api/users/", "").claim("ath", Value::Null).claim("htm", "POST");
    let request = |proof: &str| {
        let request = Request::post("/api/users/").header("dpop", proof);
        let request = request.header(CONTENT_TYPE, "application/json");
        request.body(Body::from(with_tokens("ada").to_string())).unwrap()
    };
    assert_invalid_proof(&send(&required, request("proof")).await, "DPoP");
    let proof = proof.sign();
    assert_eq!(send(&required, request(&proof)).await.status, 201);
    assert_invalid_proof(&send(&required, request(&proof)).await, "jti");
}

async fn sign_ups_without_tokens_need_no_proof(database: Database) {
    let setup = Setup::new(database);
    let app = app(&setup, DpopBuilder::require);
    let reply = super::setup::call(&app, "/users/", &new_user("ada")).await;
    assert_eq!((reply.status.as_u16(), reply.json().get("access")), (201, None));
}

async fn a_bound_token_changes_the_password(database: Database) {
    let (setup, client) = (Setup::new(database), Client::es256());
    let app = app(&setup, |dpop| dpop);
    let body = call(&app, SIGN_UP, &with_tokens("ada"), &client, None).await.json();
    let access = body["access"].as_str().unwrap();
    let new = json!({ "current": PASSWORD, "new": "another loom of brass" });
    let path = (Method::POST, "/api/password");
    let reply = call(&app, path, &new, &client, Some(access)).await;
    assert_eq!(reply.status, 204, "{reply:?}");
    // This session goes on, and its tokens stay bound.
    let refresh = json!({ "refresh": body["refresh"] });
    let path = (Method::POST, "/api/token/refresh/");
    let reply = call(&app, path.clone(), &refresh, &client, None).await;
    assert_eq!((reply.status.as_u16(), &reply.json()["token_type"]), (200, &json!("DPoP")));
    let stolen = json!({ "refresh": reply.json()["refresh"] });
    let reply = super::setup::call(&app, "/token/refresh/", &stolen).await;
    assert_invalid_proof(&reply, "DPoP");
}
