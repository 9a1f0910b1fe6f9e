//! Proofs of possession with keys of ML-DSA (RFC 9449), which are accepted only if configured.

use axum::{Router, body::Body, routing::get};
use http::{Request, header::AUTHORIZATION};
use serde_json::{Value, json};
use tower_jwt_auth::{
    Algorithm, Claims, JwtAuthLayer, MemoryStore, Verifier, VerifyingKey,
    possession::{Dpop, DpopBuilder},
};

use super::{ALGORITHMS, SEED, jwk, key, with};
use crate::support::{
    keys,
    mint::{Minter, NOW, claims, clock, encode},
    reply::{Reply, send},
};

fn dpop() -> DpopBuilder {
    Dpop::builder("https://api.example").store(MemoryStore::new()).clock(clock())
}

fn app(dpop: DpopBuilder) -> Router {
    let trusted = VerifyingKey::from_secret(Algorithm::HS256, keys::SECRET).unwrap();
    let layer = JwtAuthLayer::new(Verifier::builder(trusted).clock(clock()).build().unwrap());
    let handler = get(|claims: Claims| async move { claims.user_id().to_string() });
    Router::new().route("/notes", handler).layer(layer.with_dpop(dpop.build().unwrap()))
}

/// Sends a token bound to the key of `algorithm`, with a proof that has `jwk` in its header.
async fn send_with(app: &Router, algorithm: Algorithm, jwk: &Value) -> Reply {
    let jkt = json!({ "jkt": key(algorithm).kid() }).to_string();
    let token = Minter::hs256().token(claims(&[("cnf", &jkt)]));
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, token.as_bytes());
    let header = json!({ "typ": "dpop+jwt", "alg": algorithm.as_str(), "jwk": jwk });
    let payload = json!({
        "jti": "1", "htm": "GET", "htu": "https://api.example/notes", "iat": NOW,
        "ath": encode(digest.as_ref()),
    });
    let proof = Minter::ml_dsa(algorithm, SEED).mint(header.to_string(), payload.to_string());
    let request = Request::get("/notes").header(AUTHORIZATION, format!("DPoP {token}"));
    send(app, request.header("dpop", proof).body(Body::empty()).unwrap()).await
}

#[tokio::test]
async fn accepts_proofs_only_if_configured() {
    for (algorithm, ..) in ALGORITHMS {
        let jwk = Value::Object(jwk(algorithm));
        let reply = send_with(&app(dpop().algorithms([algorithm])), algorithm, &jwk).await;
        assert_eq!((reply.status.as_u16(), &*reply.body), (200, "42"), "{algorithm}");
        let reply = send_with(&app(dpop()), algorithm, &jwk).await;
        assert_eq!(reply.json()["code"], "invalid_dpop_proof");
        assert!(!reply.header("www-authenticate").concat().contains("ML-DSA"));
    }
}

#[tokio::test]
async fn rejects_invalid_keys() {
    for (algorithm, len, _) in ALGORITHMS {
        let app = app(dpop().algorithms(ALGORITHMS.map(|(algorithm, ..)| algorithm)));
        let other = ALGORITHMS.into_iter().find(|(other, ..)| *other != algorithm).unwrap().0;
        for changes in [
            json!({ "alg": null }),
            json!({ "alg": other.as_str() }),
            json!({ "priv": encode(SEED) }),
            json!({ "pub": null }),
            json!({ "pub": encode(vec![7; len]) }),
            json!({ "pub": encode(vec![7; len - 1]) }),
            json!({ "kty": "OKP" }),
            json!({ "use": "enc" }),
        ] {
            let jwk = serde_json::from_str(&with(jwk(algorithm), changes.clone())).unwrap();
            let reply = send_with(&app, algorithm, &jwk).await;
            assert_eq!(reply.json()["code"], "invalid_dpop_proof", "{algorithm} {changes}");
        }
    }
}
