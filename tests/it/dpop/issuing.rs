//! Token routes that bind tokens to the key of the client (RFC 9449 section 5).

use std::{sync::Arc, time::Duration};

use axum::{Router, body::Body, routing::get as route};
use http::Request;
use serde_json::{Value, json};
use tower_jwt_auth::{
    Algorithm, Claims, Issuer, ManualClock, MemoryStore, SigningKey, TokenRoutes,
    issue::Event,
    password::{MemoryUsers, PasswordHasher},
    possession::{Dpop, DpopBuilder},
    routes::OAuthRoutes,
    token::NoClaims,
    user::User,
};

use crate::support::{
    keys,
    mint::{NOW, clock},
    reply::{Reply, post, send},
};

use super::{
    assert_accepted, assert_invalid_proof,
    client::{Client, PUBLIC_URL, get},
};

const LOGIN: &str = r#"{"username":"ada","password":"correct horse"}"#;

struct Service {
    app: Router,
    issuer: Issuer,
    clock: ManualClock,
    events: Arc<std::sync::Mutex<Vec<String>>>,
}

impl Service {
    async fn new(change: impl FnOnce(DpopBuilder) -> DpopBuilder) -> Self {
        Self::with_rotation(true, change).await
    }

    async fn with_rotation(rotates: bool, change: impl FnOnce(DpopBuilder) -> DpopBuilder) -> Self {
        let (clock, store) = (clock(), MemoryStore::new());
        let events = Arc::<std::sync::Mutex<Vec<String>>>::default();
        let seen = Arc::clone(&events);
        let issuer = Issuer::builder(SigningKey::hs256(keys::SECRET).unwrap())
            .clock(&clock)
            .rotate_refresh_tokens(rotates)
            .store(store.clone())
            .on_event(move |event: &Event<'_>| {
                let name = match event {
                    Event::Replayed { .. } => "replayed",
                    Event::ReuseDetected { .. } => "reuse",
                    Event::Refreshed { .. } => "refreshed",
                    _ => "other",
                };
                seen.lock().unwrap().push(name.to_owned());
            })
            .build()
            .unwrap();
        let users = MemoryUsers::new(PasswordHasher::new());
        users.insert("ada", "correct horse", User::new(42, NoClaims::default())).await.unwrap();
        let dpop = Dpop::builder(PUBLIC_URL).store(store).clock(&clock);
        let dpop = change(dpop).build().unwrap();
        let tokens = TokenRoutes::builder(issuer.clone(), users)
            .at("/api/token")
            .session_list_at("/api")
            .dpop(dpop.clone())
            .build()
            .unwrap();
        let oauth = OAuthRoutes::builder(issuer.clone(), tower::layer::util::Identity::new())
            .at("/oauth")
            .build()
            .unwrap();
        let app = Router::new()
            .route("/notes", route(|claims: Claims| async move { claims.user_id().to_string() }))
            .layer(issuer.layer().with_dpop(dpop))
            .merge(tokens.into_router())
            .merge(oauth.into_router());
        Self { app, issuer, clock, events }
    }

    /// Posts `body` with a proof of `client`, if there is one.
    async fn post(&self, path: &str, body: impl Into<String>, client: Option<&Client>) -> Reply {
        let mut request = post(path, body.into());
        if let Some(client) = client {
            let proof = client.proof(path, "").claim("ath", Value::Null).claim("htm", "POST");
            let proof = proof.claim("iat", self.clock.now().as_secs()).sign();
            request.headers_mut().insert("dpop", proof.parse().unwrap());
        }
        send(&self.app, request).await
    }

    async fn login(&self, client: Option<&Client>) -> Value {
        let reply = self.post("/api/token/", LOGIN, client).await;
        assert_eq!(reply.status, 200, "{}", reply.body);
        reply.json()
    }

    async fn refresh(&self, tokens: &Value, client: Option<&Client>) -> Reply {
        let body = json!({ "refresh": tokens["refresh"] }).to_string();
        self.post("/api/token/refresh/", body, client).await
    }

    async fn get(&self, path: &str, tokens: &Value, client: &Client) -> Reply {
        let token = tokens["access"].as_str().unwrap();
        let proof = client.proof(path, token).claim("iat", self.clock.now().as_secs()).sign();
        send(&self.app, get(path, &format!("DPoP {token}"), [&*proof])).await
    }

    fn saw(&self, name: &str) -> bool {
        self.events.lock().unwrap().iter().any(|event| event == name)
    }
}

fn other() -> Client {
    Client::with_key(Algorithm::EdDSA, keys::ED25519)
}

#[tokio::test]
async fn a_login_with_a_proof_binds_both_tokens() {
    let (service, client) = (Service::new(|dpop| dpop).await, Client::es256());
    let tokens = service.login(Some(&client)).await;
    assert_eq!(tokens["token_type"], "DPoP");
    for name in ["access", "refresh"] {
        let payload = tokens[name].as_str().unwrap().split('.').nth(1).unwrap();
        let payload = base64::Engine::decode(&base64::prelude::BASE64_URL_SAFE_NO_PAD, payload);
        let payload: Value = serde_json::from_slice(&payload.unwrap()).unwrap();
        assert_eq!(payload["cnf"], json!({ "jkt": client.jkt }), "{name}");
    }
    assert_accepted(&service.get("/notes", &tokens, &client).await);
    let bearer = format!("Bearer {}", tokens["access"].as_str().unwrap());
    assert_eq!(send(&service.app, get("/notes", &bearer, [])).await.status, 401);
    assert_eq!(service.get("/api/sessions", &tokens, &client).await.status, 200);
}

#[tokio::test]
async fn a_login_without_a_proof_returns_bearer_tokens() {
    let service = Service::new(|dpop| dpop).await;
    let tokens = service.login(None).await;
    assert_eq!(tokens.get("token_type"), None);
    let bearer = format!("Bearer {}", tokens["access"].as_str().unwrap());
    assert_accepted(&send(&service.app, get("/notes", &bearer, [])).await);
    // A proof is not needed, and does not bind the new tokens.
    for client in [None, Some(&Client::es256())] {
        let reply = service.refresh(&tokens, client).await;
        assert_eq!(reply.status, 200);
        assert_eq!(reply.json().get("token_type"), None);
    }
}

#[tokio::test]
async fn a_refresh_requires_a_proof_of_the_same_key() {
    let (service, client) = (Service::new(|dpop| dpop).await, Client::es256());
    let tokens = service.login(Some(&client)).await;
    assert_invalid_proof(&service.refresh(&tokens, None).await, "DPoP");
    assert_invalid_proof(&service.refresh(&tokens, Some(&other())).await, "jwk");
    let request = |proofs: &[&str]| {
        let body = json!({ "refresh": tokens["refresh"] }).to_string();
        let mut request = post("/api/token/refresh/", body);
        for proof in proofs {
            request.headers_mut().append("dpop", proof.parse().unwrap());
        }
        request
    };
    let proof = |path| {
        let proof = client.proof(path, "").claim("ath", Value::Null);
        proof.claim("htm", "POST").claim("iat", NOW)
    };
    let valid = proof("/api/token/refresh/").sign();
    let cases = [
        (vec!["proof".to_owned()], "DPoP"),
        (vec![valid.clone(), proof("/api/token/refresh/").sign()], "DPoP"),
        (vec![proof("/api/token/").sign()], "htu"),
        (vec![proof("/api/token/refresh/").claim("htm", "GET").sign()], "htm"),
        (vec![proof("/api/token/refresh/").claim("iat", NOW - 61).sign()], "iat"),
    ];
    for (proofs, member) in &cases {
        let proofs: Vec<_> = proofs.iter().map(String::as_str).collect();
        assert_invalid_proof(&send(&service.app, request(&proofs)).await, member);
    }
    // Nothing was spent, and the session goes on.
    assert!(!service.saw("reuse") && !service.saw("replayed") && !service.saw("refreshed"));
    let reply = send(&service.app, request(&[&valid])).await;
    assert_eq!(reply.status, 200);
    assert!(!service.saw("replayed"));
    let next = reply.json();
    assert_eq!(next["token_type"], "DPoP");
    assert_accepted(&service.get("/notes", &next, &client).await);
    assert_eq!(service.refresh(&next, Some(&client)).await.status, 200);
    // The proof was used.
    assert_invalid_proof(&send(&service.app, request(&[&valid])).await, "jti");
}

#[tokio::test]
async fn a_refresh_without_rotation_binds_the_new_token() {
    let client = Client::es256();
    let service = Service::with_rotation(false, |dpop| dpop).await;
    let tokens = service.login(Some(&client)).await;
    assert_invalid_proof(&service.refresh(&tokens, None).await, "DPoP");
    let next = service.refresh(&tokens, Some(&client)).await.json();
    assert_eq!(next["token_type"], "DPoP");
    assert_accepted(&service.get("/notes", &next, &client).await);
}

#[tokio::test]
async fn grace_and_reuse_are_as_without_proofs() {
    let (service, client) = (Service::new(|dpop| dpop).await, Client::es256());
    let tokens = service.login(Some(&client)).await;
    let first = service.refresh(&tokens, Some(&client)).await.json();
    let again = service.refresh(&tokens, Some(&client)).await.json();
    assert_eq!(first["refresh"], again["refresh"]);
    let replays = || service.events.lock().unwrap().iter().filter(|it| *it == "replayed").count();
    assert_eq!(replays(), 1);
    // A thief has no key, and so gets no successor within the grace.
    assert_invalid_proof(&service.refresh(&tokens, Some(&other())).await, "jwk");
    assert_invalid_proof(&service.refresh(&tokens, None).await, "DPoP");
    assert_eq!(replays(), 1);
    service.clock.advance(Duration::from_secs(11));
    // Nor does a thief end the session afterwards.
    assert_invalid_proof(&service.refresh(&tokens, Some(&other())).await, "jwk");
    assert_invalid_proof(&service.refresh(&tokens, None).await, "DPoP");
    assert!(!service.saw("reuse"));
    assert_accepted(&service.get("/notes", &first, &client).await);
    assert_eq!(service.refresh(&tokens, Some(&client)).await.status, 401);
    assert!(service.saw("reuse"));
    assert_eq!(service.get("/notes", &first, &client).await.status, 401);
}

#[tokio::test]
async fn a_login_with_an_invalid_proof_fails() {
    let (service, client) = (Service::new(|dpop| dpop).await, Client::es256());
    for proof in ["proof".to_owned(), client.proof("/api/token/", "").sign()] {
        let mut request = post("/api/token/", LOGIN);
        request.headers_mut().insert("dpop", proof.parse().unwrap());
        let reply = send(&service.app, request).await;
        assert_eq!(
            (reply.status.as_u16(), &reply.json()["code"]),
            (401, &"invalid_dpop_proof".into())
        );
        assert_eq!(
            reply.header("www-authenticate"),
            [
                r#"Bearer realm="api""#,
                r#"DPoP realm="api", error="invalid_dpop_proof", error_description="the DPoP proof is invalid""#
            ]
        );
    }
    let proof = client.proof("/api/token/", "").claim("htm", "POST").sign();
    for (number, status) in [(1, 200), (2, 401)] {
        let mut request = post("/api/token/", LOGIN);
        request.headers_mut().insert("dpop", proof.parse().unwrap());
        assert_eq!(send(&service.app, request).await.status, status, "use {number}");
    }
}

#[tokio::test]
async fn wrong_credentials_use_no_proof() {
    let (service, client) = (Service::new(|dpop| dpop).await, Client::es256());
    let proof = client.proof("/api/token/", "").claim("htm", "POST").sign();
    let wrong = r#"{"username":"ada","password":"wrong"}"#;
    for (body, status) in [(wrong, 401), (LOGIN, 200)] {
        let mut request = post("/api/token/", body);
        request.headers_mut().insert("dpop", proof.parse().unwrap());
        assert_eq!(send(&service.app, request).await.status, status);
    }
}

#[tokio::test]
async fn proofs_can_be_required() {
    let (service, client) = (Service::new(DpopBuilder::require).await, Client::es256());
    assert_invalid_proof(&service.post("/api/token/", LOGIN, None).await, "DPoP");
    let unbound = service.issuer.login(&User::new(42, NoClaims::default())).await.unwrap();
    let unbound = json!({ "refresh": unbound.refresh() });
    let reply = service.refresh(&unbound, Some(&client)).await;
    assert_eq!((reply.status.as_u16(), &reply.json()["code"]), (401, &"token_invalid".into()));
    let tokens = service.login(Some(&client)).await;
    assert_accepted(&service.get("/notes", &tokens, &client).await);
    assert_eq!(service.refresh(&tokens, Some(&client)).await.status, 200);
}

/// A service that asks the route accepts Bearer tokens, so it must learn that these are none.
#[tokio::test]
async fn the_verify_route_rejects_bound_tokens() {
    let (service, client) = (Service::new(|dpop| dpop).await, Client::es256());
    let tokens = service.login(Some(&client)).await;
    for name in ["access", "refresh"] {
        let body = json!({ "token": tokens[name] }).to_string();
        let reply = service.post("/api/token/verify/", body, None).await;
        assert_eq!((reply.status.as_u16(), &reply.json()["code"]), (401, &"token_invalid".into()));
    }
}

#[tokio::test]
async fn a_bound_session_can_be_ended() {
    let (service, client) = (Service::new(|dpop| dpop).await, Client::es256());
    let tokens = service.login(Some(&client)).await;
    let body = json!({ "refresh": tokens["refresh"] }).to_string();
    assert_eq!(service.post("/api/token/blacklist/", body, None).await.status, 200);
    assert_eq!(service.refresh(&tokens, Some(&client)).await.status, 401);
    assert_eq!(service.get("/notes", &tokens, &client).await.status, 401);
}

/// RFC 9449 section 6.2.
#[tokio::test]
async fn introspection_names_the_key_of_a_bound_token() {
    let (service, client) = (Service::new(|dpop| dpop).await, Client::es256());
    let tokens = service.login(Some(&client)).await;
    let form = |path: &str| {
        Request::post(path)
            .header("content-type", "application/x-www-form-urlencoded")
            .body(Body::from(format!("token={}", tokens["access"].as_str().unwrap())))
            .unwrap()
    };
    let reply = send(&service.app, form("/oauth/introspect")).await.json();
    assert_eq!(reply["active"], true);
    assert_eq!(reply["token_type"], "DPoP");
    assert_eq!(reply["cnf"], json!({ "jkt": client.jkt }));
    assert_eq!(send(&service.app, form("/oauth/revoke")).await.status, 200);
    assert_eq!(service.get("/notes", &tokens, &client).await.status, 401);
    let reply = send(&service.app, form("/oauth/introspect")).await.json();
    assert_eq!(reply["active"], false);
}

#[tokio::test]
async fn a_login_can_require_a_nonce() {
    let client = Client::es256();
    let nonces = |dpop: DpopBuilder| dpop.nonces([7, 9].repeat(16), Duration::from_secs(60));
    let service = Service::new(nonces).await;
    let reply = service.post("/api/token/", LOGIN, Some(&client)).await;
    assert_eq!(reply.json()["code"], "use_dpop_nonce");
    let nonce = reply.header("dpop-nonce")[0].to_owned();
    let proof = client.proof("/api/token/", "").claim("htm", "POST").claim("nonce", nonce);
    let mut request = post("/api/token/", LOGIN);
    request.headers_mut().insert("dpop", proof.sign().parse().unwrap());
    assert_eq!(send(&service.app, request).await.json()["token_type"], "DPoP");
}
