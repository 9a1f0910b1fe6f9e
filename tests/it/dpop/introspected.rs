//! Opaque tokens that are bound to a key (RFC 9449 section 6.2, RFC 8705 section 3.2).

use std::error::Error;

use axum::Router;
use http::{Request, Response, header::CONTENT_TYPE};
use serde_json::{Value, json};
use tower_jwt_auth::{
    Algorithm, AuthErrorKind, JwtAuthLayer,
    http_client::HttpClient,
    introspection::{ClientAuth, Introspection},
    possession::ClientCertificateThumbprint,
};

use crate::support::{
    keys,
    mint::{clock, encode},
    reply::send,
};

use super::{
    app_with, assert_accepted, assert_invalid_binding, assert_invalid_proof,
    client::{Client, get},
    dpop, layer, send_proof,
};

const TOKEN: &str = "2YotnFZFEjr1zCsicMWpAA";
const MALFORMED: &str = "expected the thumbprint of a key or of a certificate";

/// An authorization server that describes each token with these members.
struct Server(Value);

impl HttpClient for Server {
    type Body = String;

    async fn send(
        &self,
        _: Request<Vec<u8>>,
    ) -> Result<Response<String>, Box<dyn Error + Send + Sync>> {
        let response = Response::builder().header(CONTENT_TYPE, "application/json");
        Ok(response.body(self.0.to_string())?)
    }
}

fn introspection(token_type: &str, cnf: &Value) -> Introspection {
    let mut response = json!({ "active": true, "sub": "42", "token_type": token_type });
    if !cnf.is_null() {
        response["cnf"] = cnf.clone();
    }
    let auth = ClientAuth::basic("api", "secret");
    let builder = Introspection::builder("https://login.example/introspect", auth);
    builder.client(Server(response)).clock(clock()).build().unwrap()
}

fn opaque(token_type: &str, cnf: &Value) -> JwtAuthLayer {
    JwtAuthLayer::from_introspection(introspection(token_type, cnf))
}

fn with_dpop(layer: JwtAuthLayer) -> Router {
    app_with(layer.with_dpop(dpop().build().unwrap()))
}

#[tokio::test]
async fn a_bound_token_is_accepted_with_a_proof_of_its_key() {
    let client = Client::es256();
    let cnf = json!({ "jkt": client.jkt });
    for token_type in ["DPoP", "dpop", "Bearer"] {
        let beside_jwts = layer().with_introspection(introspection(token_type, &cnf)).unwrap();
        let before = layer().with_dpop(dpop().build().unwrap());
        let before = before.with_introspection(introspection(token_type, &cnf)).unwrap();
        let after = [opaque(token_type, &cnf), beside_jwts].map(with_dpop);
        for app in after.into_iter().chain([app_with(before)]) {
            // The second response is that of the cache.
            for _ in 0..2 {
                let proof = client.proof("/notes", TOKEN).sign();
                assert_accepted(&send_proof(&app, TOKEN, &proof).await);
                assert_invalid_proof(&send_proof(&app, TOKEN, &proof).await, "jti");
            }
            let bearer = send(&app, get("/notes", &format!("Bearer {TOKEN}"), [])).await;
            assert_invalid_binding(&bearer, "sent with the scheme DPoP");
            let unproven = send(&app, get("/notes", &format!("DPoP {TOKEN}"), [])).await;
            assert_invalid_proof(&unproven, "DPoP");
            let other = client.proof("/notes", "another token").sign();
            assert_invalid_proof(&send_proof(&app, TOKEN, &other).await, "ath");
        }
    }
    let thief = Client::with_key(Algorithm::EdDSA, keys::ED25519);
    let app = with_dpop(opaque("DPoP", &cnf));
    let proof = thief.proof("/notes", TOKEN).sign();
    assert_invalid_proof(&send_proof(&app, TOKEN, &proof).await, "jwk");
}

#[tokio::test]
async fn a_binding_that_cannot_be_checked_is_rejected() {
    let client = Client::es256();
    let jkt = json!({ "jkt": client.jkt });
    for (token_type, cnf, rule) in [
        ("DPoP", Value::Null, MALFORMED),
        ("Bearer", json!({}), MALFORMED),
        ("Bearer", json!({ "kid": "1" }), MALFORMED),
        ("Bearer", json!({ "jwk": client.jwk }), MALFORMED),
        ("Bearer", json!({ "jkt": "short" }), MALFORMED),
        ("Bearer", json!("text"), MALFORMED),
        ("DPoP", json!({ "x5t#S256": encode([7; 32]) }), MALFORMED),
        ("Bearer", json!({ "x5t#S256": encode([7; 32]) }), "not bound to a certificate"),
    ] {
        let app = with_dpop(opaque(token_type, &cnf));
        let proof = client.proof("/notes", TOKEN).sign();
        let rule = if cnf.is_null() { MALFORMED } else { rule };
        assert_invalid_binding(&send_proof(&app, TOKEN, &proof).await, rule);
        let bearer = send(&app, get("/notes", &format!("Bearer {TOKEN}"), [])).await;
        assert_invalid_binding(&bearer, rule);
    }
    // Without DPoP, no binding can be checked.
    for (token_type, cnf) in [("Bearer", &jkt), ("DPoP", &jkt), ("DPoP", &Value::Null)] {
        let app = app_with(opaque(token_type, cnf));
        let bearer = send(&app, get("/notes", &format!("Bearer {TOKEN}"), [])).await;
        assert_invalid_binding(&bearer, "not bound to a key");
        let error = introspection(token_type, cnf).introspect(TOKEN).await.unwrap_err();
        assert_eq!((error.kind(), error.member()), (AuthErrorKind::InvalidClaims, Some("cnf")));
    }
}

#[tokio::test]
async fn unbound_tokens_are_accepted_as_bearer_tokens_unless_dpop_is_required() {
    let client = Client::es256();
    let app = with_dpop(opaque("Bearer", &Value::Null));
    assert_accepted(&send(&app, get("/notes", &format!("Bearer {TOKEN}"), [])).await);
    let proof = client.proof("/notes", TOKEN).sign();
    let reply = send_proof(&app, TOKEN, &proof).await;
    assert_invalid_binding(&reply, "bound to the key of the proof");

    let required = dpop().require().build().unwrap();
    let app = app_with(opaque("Bearer", &Value::Null).with_dpop(required));
    let reply = send(&app, get("/notes", &format!("Bearer {TOKEN}"), [])).await;
    assert_invalid_binding(&reply, "bound to a key and sent with the scheme DPoP");
}

#[tokio::test]
async fn a_token_that_is_bound_to_a_certificate_is_compared_with_it() {
    let certificate = ClientCertificateThumbprint([7; 32]);
    let cnf = json!({ "x5t#S256": encode(certificate.0) });
    let app = app_with(opaque("Bearer", &cnf).with_certificate_bound_tokens());
    for (sent, is_accepted) in [
        (Some(certificate), true),
        (Some(ClientCertificateThumbprint([8; 32])), false),
        (None, false),
    ] {
        let mut request = get("/notes", &format!("Bearer {TOKEN}"), []);
        if let Some(sent) = sent {
            request.extensions_mut().insert(sent);
        }
        let reply = send(&app, request).await;
        if is_accepted {
            assert_accepted(&reply);
        } else {
            assert_invalid_binding(&reply, "sent with the certificate to which it is bound");
        }
    }
}
