//! Bound tokens at the doors of the other parts of the crate.

use std::time::Duration;

use axum::{Router, body::Body, routing::get as route};
use http::{
    Request,
    header::{CONTENT_TYPE, COOKIE, SEC_WEBSOCKET_PROTOCOL, SET_COOKIE},
};
use serde_json::{Value, json};
use tower_jwt_auth::{
    Claims, Issuer, JwtAuthLayer, MemoryStore, TokenRoutes,
    issue::IssuerBuilder,
    possession::{Dpop, DpopBuilder},
    routes::SessionRoutes,
    store::replica::RevocationReplica,
    transport::{SessionCookies, TokenSource},
};

use crate::support::{
    feed::TestFeed,
    login::{PASSWORD, Profile, Setup, payload},
    mint::clock,
    reply::{Reply, post, send},
};

use super::{
    app_with, assert_accepted, assert_invalid_binding, assert_invalid_proof,
    client::{Client, PUBLIC_URL, get, token},
    dpop, layer,
};

fn proof(client: &Client, method: &str, path: &str) -> String {
    client.proof(path, "").claim("ath", Value::Null).claim("htm", method).sign()
}

fn dpop_of(setup: &Setup) -> DpopBuilder {
    Dpop::builder(PUBLIC_URL).store(MemoryStore::new()).clock(&setup.clock)
}

fn users_of<R>(layer: JwtAuthLayer<Profile, R>) -> Router
where
    R: tower_jwt_auth::rejection::Rejection<Body> + Clone + Send + Sync + 'static,
{
    let handler = |claims: Claims<Profile>| async move { claims.user_id().to_string() };
    Router::new().route("/notes", route(handler)).layer(layer)
}

/// Tokens of a login with a proof.
async fn bound_tokens(setup: &Setup, issuer: &Issuer<Profile>, client: &Client) -> Value {
    let routes = TokenRoutes::builder(issuer.clone(), setup.users.clone()).at("/token");
    let routes = routes.dpop(dpop_of(setup).build().unwrap()).build().unwrap().into_router();
    let body = json!({ "username": "1", "password": PASSWORD }).to_string();
    let mut request = post("/token/", body);
    let proof = proof(client, "POST", "/token/").parse().unwrap();
    request.headers_mut().insert("dpop", proof);
    let reply = send(&routes, request).await;
    assert_eq!(reply.json()["token_type"], "DPoP");
    reply.json()
}

async fn get_notes(app: &Router, client: &Client, access: &str) -> Reply {
    let proof = client.proof("/notes", access).sign();
    send(app, get("/notes", &format!("DPoP {access}"), [&*proof])).await
}

#[tokio::test]
async fn the_layer_of_an_issuer_accepts_bound_tokens_only_with_dpop() {
    let (setup, client) = (Setup::new(), Client::es256());
    let issuer = setup.issuer();
    let tokens = bound_tokens(&setup, &issuer, &client).await;
    let access = tokens["access"].as_str().unwrap();
    let without = users_of(issuer.layer());
    for scheme in ["Bearer", "DPoP"] {
        let proof = client.proof("/notes", access).sign();
        let reply = send(&without, get("/notes", &format!("{scheme} {access}"), [&*proof])).await;
        assert_eq!(reply.status, 401);
    }
    let with = users_of(issuer.layer().with_dpop(dpop_of(&setup).build().unwrap()));
    assert_eq!(get_notes(&with, &client, access).await.body, "1");
    for refused in
        [issuer.verify(access).await, issuer.verify(tokens["refresh"].as_str().unwrap()).await]
    {
        assert_eq!(refused.unwrap_err().member(), Some("cnf"));
    }
}

/// RFC 9449 section 5.
#[tokio::test]
async fn the_password_grant_binds_tokens() {
    let (setup, client) = (Setup::new(), Client::es256());
    let routes = TokenRoutes::builder(setup.issuer(), setup.users.clone()).at("/token");
    let routes = routes.password_grant_path("/grant").dpop(dpop_of(&setup).build().unwrap());
    let app = routes.build().unwrap().into_router();
    let form = |proof: Option<&str>| {
        let body =
            format!("grant_type=password&username=1&password={}", PASSWORD.replace(' ', "+"));
        let mut request = Request::post("/token/grant")
            .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
            .body(Body::from(body))
            .unwrap();
        if let Some(proof) = proof {
            request.headers_mut().insert("dpop", proof.parse().unwrap());
        }
        request
    };
    let once = proof(&client, "POST", "/token/grant");
    let reply = send(&app, form(Some(&once))).await.json();
    assert_eq!(reply["token_type"], "DPoP");
    for name in ["access_token", "refresh_token"] {
        let payload = payload(reply[name].as_str().unwrap());
        assert_eq!(payload["cnf"], json!({ "jkt": client.jkt }), "{name}");
    }
    for invalid in [&*once, "proof", &proof(&client, "POST", "/token/")] {
        let reply = send(&app, form(Some(invalid))).await;
        assert_eq!(
            (reply.status.as_u16(), &reply.json()["error"]),
            (400, &json!("invalid_dpop_proof"))
        );
    }
    let reply = send(&app, form(None)).await.json();
    assert_eq!(reply["token_type"], "Bearer");
}

#[tokio::test]
async fn the_password_grant_can_require_a_nonce() {
    let (setup, client) = (Setup::new(), Client::es256());
    let dpop = dpop_of(&setup).nonces([7, 9].repeat(16), Duration::from_secs(60));
    let routes = TokenRoutes::builder(setup.issuer(), setup.users.clone()).at("/token");
    let routes = routes.password_grant_path("/grant").dpop(dpop.build().unwrap());
    let app = routes.build().unwrap().into_router();
    let request = Request::post("/token/grant")
        .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
        .header("dpop", proof(&client, "POST", "/token/grant"))
        .body(Body::from("grant_type=password&username=1&password=x"))
        .unwrap();
    let reply = send(&app, request).await;
    assert_eq!((reply.status.as_u16(), &reply.json()["error"]), (400, &json!("use_dpop_nonce")));
    assert_eq!(reply.header("dpop-nonce").len(), 1);
}

fn cookies() -> SessionCookies {
    SessionCookies::builder().public_origin(PUBLIC_URL).build().unwrap()
}

/// A browser cannot send a proof with a cookie, so cookies have unbound tokens, and no others.
#[tokio::test]
async fn cookies_have_no_bound_tokens() {
    let (setup, client) = (Setup::new(), Client::es256());
    let (issuer, cookies) = (setup.issuer(), cookies());
    let sessions = SessionRoutes::builder(issuer.clone(), setup.users.clone(), &cookies);
    let sessions = sessions.at("/session").build().unwrap();
    let session_cookies = sessions.cookies().clone();
    let app = sessions.into_router();

    let mut login = post("/session/", json!({ "username": "1", "password": PASSWORD }).to_string());
    login.headers_mut().insert("dpop", proof(&client, "POST", "/session/").parse().unwrap());
    let reply = send(&app, login).await;
    assert_eq!(reply.status, 200);
    let set: Vec<_> = reply.header("set-cookie").into_iter().map(str::to_owned).collect();
    let value = |line: &String| line.split(['=', ';']).nth(1).unwrap().to_owned();
    for line in &set {
        assert_eq!(payload(&value(line)).get("cnf"), None);
    }

    let bound = bound_tokens(&setup, &issuer, &client).await;
    let with_token = |line: &String, token: &Value| {
        let (name, _) = line.split_once('=').unwrap();
        format!("{name}={}", token.as_str().unwrap())
    };
    let refresh_line = set.iter().find(|line| line.contains("refresh")).unwrap();
    let request = Request::post("/session/refresh")
        .header(COOKIE, with_token(refresh_line, &bound["refresh"]))
        .header("sec-fetch-site", "same-origin")
        .header("dpop", proof(&client, "POST", "/session/refresh"))
        .body(Body::empty())
        .unwrap();
    let reply = send(&app, request).await;
    assert_invalid_proof(&reply, "DPoP");
    assert!(!reply.header("set-cookie").iter().any(|line| line.contains("eyJ")));

    let access_line = set.iter().find(|line| line.contains("access")).unwrap();
    let layer = issuer.layer().with_cookies(&session_cookies);
    let app = users_of(layer.with_dpop(dpop_of(&setup).build().unwrap()));
    for (cookie, status) in [
        (with_token(access_line, &bound["access"]), 401),
        (access_line.split(';').next().unwrap().to_owned(), 200),
    ] {
        let access = bound["access"].as_str().unwrap();
        let request = Request::get("/notes")
            .header(COOKIE, cookie)
            .header("sec-fetch-site", "same-origin")
            .header("dpop", client.proof("/notes", access).sign())
            .body(Body::empty())
            .unwrap();
        assert_eq!(send(&app, request).await.status, status);
    }
    // The session of the bound tokens goes on.
    assert_eq!(get_notes(&app, &client, bound["access"].as_str().unwrap()).await.body, "1");
}

/// A page cannot send a proof with an upgrade.
#[tokio::test]
async fn websocket_protocols_have_no_bound_tokens() {
    let client = Client::es256();
    let source = TokenSource::websocket_protocol("bearer").unwrap();
    let layer = layer().with_additional_source(source).with_dpop(dpop().build().unwrap());
    let app = app_with(layer);
    let bound = client.token();
    let request = |token: &str| {
        Request::get("/notes")
            .header(SEC_WEBSOCKET_PROTOCOL, format!("bearer, {token}"))
            .header("dpop", client.proof("/notes", token).sign())
            .body(Body::empty())
            .unwrap()
    };
    assert_invalid_binding(&send(&app, request(&bound)).await, "sent with the scheme DPoP");
    assert_accepted(&send(&app, request(&token(""))).await);
    let mut both = request(&bound);
    both.headers_mut().insert("authorization", format!("DPoP {bound}").parse().unwrap());
    assert_eq!(send(&app, both).await.status, 400);
}

#[tokio::test]
async fn a_replica_rejects_the_bound_tokens_of_an_ended_session() {
    let (setup, client) = (Setup::new(), Client::es256());
    let replica = RevocationReplica::new(TestFeed::new());
    replica.until_fresh().await;
    let with_store = |builder: IssuerBuilder<Profile>| builder.store(replica.clone());
    let issuer = with_store(setup.plain_builder()).rotate_refresh_tokens(true).build().unwrap();
    let tokens = bound_tokens(&setup, &issuer, &client).await;
    let access = tokens["access"].as_str().unwrap();
    let dpop = Dpop::builder(PUBLIC_URL).store(replica.clone()).clock(clock()).build().unwrap();
    let app = users_of(issuer.layer().with_dpop(dpop));
    let proof = client.proof("/notes", access).sign();
    let request = || get("/notes", &format!("DPoP {access}"), [&*proof]);
    assert_eq!(send(&app, request()).await.body, "1");
    assert_invalid_proof(&send(&app, request()).await, "jti");
    issuer.logout(tokens["refresh"].as_str().unwrap()).await.unwrap();
    let reply = get_notes(&app, &client, access).await;
    assert_eq!(reply.json()["code"], "token_revoked");
    assert!(!reply.headers.contains_key(SET_COOKIE));
}
