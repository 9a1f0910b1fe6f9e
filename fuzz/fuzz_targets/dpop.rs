//! DPoP proofs. The first line is the header, the rest the payload. Both are signed.

#![no_main]

use std::{str, sync::LazyLock};

use aws_lc_rs::{
    digest::{SHA256, digest},
    signature::Ed25519KeyPair,
};
use axum::{Router, body::Body, routing::get};
use fuzz::{
    NOW, clock, encode, has_duplicates, key, member, members, mutate_json, parts, send,
    string_member, token,
};
use http::{HeaderValue, Request, header::AUTHORIZATION};
use libfuzzer_sys::{fuzz_mutator, fuzz_target};
use tower_jwt_auth::{
    Algorithm, Claims, JwtAuthLayer, SigningKey, Verifier, VerifyingKey, possession::Dpop,
};

/// The private key of RFC 8037, appendix A.1.
const JWK: &str = include_str!("../../tests/fixtures/rfc/rfc8037-a1.jwk.json");
/// Its public key, as in the header of proofs.
const PUBLIC: &str =
    r#"{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}"#;
const URL: &str = "https://api.example/notes";

struct Client {
    app: Router,
    pair: Ed25519KeyPair,
    /// An access token that is bound to the key.
    token: String,
    ath: String,
}

static CLIENT: LazyLock<Client> = LazyLock::new(|| {
    let jwk = members(JWK).expect("an object");
    let part =
        |name| fuzz::decode(&string_member(&jwk, name).expect("a member")).expect("base64url");
    let thumbprint = VerifyingKey::from_jwk(PUBLIC, Algorithm::EdDSA).unwrap();
    let jkt = thumbprint.kid().expect("a thumbprint").to_owned();
    assert!(SigningKey::from_jwk(JWK, Algorithm::EdDSA).is_ok());
    let token = token(format!(
        r#"{{"token_type":"access","exp":4102444800,"jti":"9f1c","user_id":"42","cnf":{{"jkt":"{jkt}"}}}}"#
    ));
    let verifier: Verifier = Verifier::builder(key()).clock(clock()).build().unwrap();
    let dpop = Dpop::builder("https://api.example").insecure_allow_replay().clock(clock());
    let layer = JwtAuthLayer::new(verifier).with_dpop(dpop.build().unwrap());
    let handler = get(|claims: Claims| async move { claims.user_id().to_string() });
    Client {
        app: Router::new().route("/notes", handler).layer(layer),
        pair: Ed25519KeyPair::from_seed_and_public_key(&part("d"), &part("x")).unwrap(),
        ath: encode(digest(&SHA256, token.as_bytes())),
        token,
    }
});

/// Whether the service accepts the proof.
fn accepts(proof: &[u8]) -> bool {
    let Ok(proof) = HeaderValue::from_bytes(proof) else { return false };
    let request = Request::get("/notes")
        .header(AUTHORIZATION, format!("DPoP {}", CLIENT.token))
        .header("dpop", proof)
        .body(Body::empty())
        .unwrap();
    let (status, _) = send(&CLIENT.app, request);
    assert!([200, 401].contains(&status.as_u16()), "{status}");
    status == 200
}

fn check_header(header: &[u8]) {
    let header = members(header).expect("an object");
    assert!(!has_duplicates(&header));
    assert!(["crit", "b64", "zip", "enc"].iter().all(|name| member(&header, name).is_none()));
    let typ = string_member(&header, "typ").expect("a type").to_ascii_lowercase();
    assert!(["dpop+jwt", "application/dpop+jwt"].contains(&&*typ));
    let algorithm = string_member(&header, "alg").expect("an algorithm");
    assert!(["EdDSA", "Ed25519"].contains(&&*algorithm));
    let jwk = members(member(&header, "jwk").expect("a key")).expect("an object");
    assert!(!has_duplicates(&jwk));
    assert!(["d", "p", "q", "k", "priv"].iter().all(|name| member(&jwk, name).is_none()));
    for (name, value) in members(PUBLIC).iter().flatten() {
        let value: Option<String> = serde_json::from_str(value.get()).ok();
        assert_eq!(string_member(&jwk, name), value);
    }
}

fn check_payload(payload: &[u8]) {
    let payload = members(payload).expect("an object");
    assert!(!has_duplicates(&payload));
    assert_eq!(string_member(&payload, "htm").as_deref(), Some("GET"));
    assert_eq!(string_member(&payload, "ath").as_deref(), Some(&*CLIENT.ath));
    let id = string_member(&payload, "jti").expect("an id");
    assert!((1..=255).contains(&id.len()) && !id.contains('\0'));
    let issued_at: f64 = serde_json::from_str(member(&payload, "iat").expect("a date")).unwrap();
    assert!((issued_at.trunc() - NOW as f64).abs() <= 60.0);

    // Spellings of the same URL, except for dots and escapes.
    let url = string_member(&payload, "htu").expect("a URL");
    let url = url.split(['?', '#']).next().unwrap_or_default();
    if !url.contains(['%']) && !url.contains("/.") {
        let lower = url.to_ascii_lowercase();
        let (origin, path) = url.split_at(lower.rfind('/').expect("a path"));
        let origin = origin.to_ascii_lowercase();
        let origin = origin.trim_end_matches(":443").trim_end_matches(':');
        let is_slash = path == "/" && origin == URL;
        assert!(is_slash || format!("{origin}{path}") == URL, "{url}");
    }
}

fuzz_mutator!(|data: &mut [u8], size: usize, max_size: usize, seed: u32| {
    mutate_json(data, size, max_size, seed)
});

fuzz_target!(|input: &[u8]| {
    let Client { pair, ath, .. } = &*CLIENT;
    accepts(input);

    // The hash of the token is known to the client.
    let input = String::from_utf8_lossy(input).replace("ATH", ath);
    let [header, payload] = parts(input.as_bytes());
    let signing_input = format!("{}.{}", encode(header), encode(payload));
    let signature = encode(pair.sign(signing_input.as_bytes()));
    if accepts(format!("{signing_input}.{signature}").as_bytes()) {
        check_header(header);
        check_payload(payload);
    }
});
