//! Keys in X.509 certificates: a map of certificates as Google publishes it for Firebase, and the
//! member `x5c` of a JWK. The servers are local ones that publish documents of this form.

use std::time::Duration;

use base64::{Engine, prelude::BASE64_STANDARD};
use serde_json::{Value, json};
use tower_jwt_auth::{
    Algorithm, Clock,
    jwks::{FetchErrorKind, JwkSet, RemoteKeys},
};

use super::{Fixture, Outcome, UNAVAILABLE, UNKNOWN_KEY, eventually, outcome, verifier};
use crate::support::{
    certificate::{certificate, to_pem},
    foreign::{API, ForeignKey},
    keys,
    mint::{Minter, NOW, clock},
    provider::{JWKS, Provider, Response},
    tls::Certificates,
};

const DAY: u64 = 24 * 3600;

/// A certificate of `key` in PEM that is valid in these seconds.
fn pem(key: &ForeignKey, not_before: u64, not_after: u64) -> String {
    to_pem(&certificate(&key.spki(), not_before, not_after))
}

fn x5c(public_key: &[u8], not_after: u64) -> Value {
    json!([BASE64_STANDARD.encode(certificate(public_key, NOW - DAY, not_after))])
}

/// A server that publishes `map`, and a verifier that trusts its keys.
fn fixture(map: &Value) -> Fixture {
    let provider = Provider::start();
    provider.respond(JWKS, Response::json(map));
    let clock = clock();
    let keys = RemoteKeys::from_certificates_url(provider.url(JWKS))
        .insecure_loopback_http()
        .clock(&clock)
        .build()
        .unwrap();
    let verifier = verifier(&keys, &provider.issuer(), &clock);
    Fixture { provider, clock, keys, verifier }
}

#[tokio::test]
async fn certificates_verify_tokens_with_their_key_id() {
    let (one, two) = (ForeignKey::generate("one"), ForeignKey::generate("two"));
    let fixture = fixture(&json!({
        "one": pem(&one, NOW - DAY, NOW + DAY),
        "two": pem(&two, NOW - DAY, NOW + DAY),
    }));
    assert_eq!(fixture.verify(&fixture.token(&one)).await, Ok(()));
    assert_eq!(fixture.verify_now(&fixture.token(&two)), Ok(()));
    let stranger = ForeignKey::generate("three");
    assert_eq!(fixture.verify(&fixture.token(&stranger)).await, UNKNOWN_KEY);
    let forged = super::token_naming(&two, "one", &fixture.provider.issuer());
    assert_eq!(fixture.verify_now(&forged), super::INVALID_SIGNATURE);
    // They rotate like other keys.
    fixture.clock.advance(Duration::from_secs(60));
    let map = json!({ "three": pem(&stranger, NOW - DAY, NOW + DAY) });
    fixture.provider.respond(JWKS, Response::json(&map));
    assert_eq!(fixture.verify(&fixture.token(&stranger)).await, Ok(()));
    assert_eq!(fixture.verify_now(&fixture.token(&one)), UNKNOWN_KEY);
}

#[tokio::test]
async fn the_type_of_the_key_determines_the_algorithm() {
    for (algorithm, private, public) in [
        (Algorithm::RS256, keys::RSA, keys::RSA_PUBLIC),
        (Algorithm::ES384, keys::P384, keys::P384_PUBLIC),
        (Algorithm::EdDSA, keys::ED25519, keys::ED25519_PUBLIC),
    ] {
        let der = certificate(&keys::der(public), NOW - DAY, NOW + DAY);
        let fixture = fixture(&json!({ "k": to_pem(&der) }));
        fixture.keys.refresh().await.unwrap();
        let minter = Minter::new(algorithm, private.as_bytes());
        let header = json!({ "alg": algorithm.as_str(), "kid": "k", "typ": "at+jwt" });
        let token = minter.mint(header.to_string(), payload(&fixture.provider.issuer()));
        assert_eq!(fixture.verify_now(&token), Ok(()), "{algorithm}");
    }
}

#[tokio::test]
async fn certificates_are_used_only_while_they_are_valid() {
    let names = ["expired", "ending", "lasting", "future"];
    let [expired, ending, lasting, future] = names.map(ForeignKey::generate);
    let fixture = fixture(&json!({
        "expired": pem(&expired, NOW - DAY, NOW - 1),
        "ending": pem(&ending, NOW - DAY, NOW + 10),
        "lasting": pem(&lasting, NOW, NOW + 200),
        "future": pem(&future, NOW + 20, NOW + 100),
    }));
    fixture.keys.refresh().await.unwrap();
    // No fetch brings any of the changes.
    fixture.provider.respond(JWKS, Response::HangUp);
    let outcomes = || {
        [&expired, &ending, &lasting, &future].map(|key| fixture.verify_now(&fixture.token(key)))
    };
    let usable = |flags: [bool; 4]| flags.map(|flag| if flag { Ok(()) } else { UNKNOWN_KEY });
    assert_eq!(outcomes(), usable([false, true, true, false]));
    assert_eq!((fixture.keys.status().keys, fixture.keys.status().skipped), (2, 2));
    fixture.clock.advance(Duration::from_secs(10));
    assert_eq!(outcomes(), usable([false, true, true, false]));
    fixture.clock.advance(Duration::from_secs(1));
    eventually(usable([false, false, true, false]), async || outcomes()).await;
    fixture.clock.advance(Duration::from_secs(9));
    eventually(usable([false, false, true, true]), async || outcomes()).await;
    assert_eq!((fixture.keys.status().keys, fixture.keys.status().skipped), (2, 2));
    // Without a valid certificate, the keys are unavailable.
    fixture.clock.advance(Duration::from_secs(181));
    eventually([UNAVAILABLE; 4], async || outcomes()).await;
    let status = fixture.keys.status();
    assert_eq!((status.is_usable, status.keys), (false, 0));
}

/// A document that has not changed is not parsed again.
#[tokio::test]
async fn an_unchanged_document_does_not_keep_expired_certificates() {
    let key = ForeignKey::generate("one");
    let map = json!({ "one": pem(&key, NOW - DAY, NOW + 10) });
    let fixture = fixture(&map);
    fixture.keys.refresh().await.unwrap();
    fixture.clock.advance(Duration::from_secs(11));
    let error = fixture.keys.refresh().await.unwrap_err();
    assert_eq!(error.kind(), FetchErrorKind::NoUsableKeys);
}

#[tokio::test]
async fn skips_invalid_certificates_alone() {
    let valid = ForeignKey::generate("valid");
    let other = ForeignKey::generate("other");
    let valid_pem = pem(&valid, NOW - DAY, NOW + DAY);
    let der = certificate(&other.spki(), NOW - DAY, NOW + DAY);
    let weak = certificate(&keys::der(keys::RSA_1024_PUBLIC), NOW - DAY, NOW + DAY);
    for (what, certificate) in [
        ("not a string", json!(1)),
        ("null", Value::Null),
        ("empty", json!("")),
        ("not PEM", json!("certificate")),
        ("base64 without PEM", json!(BASE64_STANDARD.encode(&der))),
        ("two certificates", json!(format!("{valid_pem}{valid_pem}"))),
        ("a public key", json!(keys::P256_PUBLIC)),
        ("cut", json!(to_pem(&der[..der.len() - 1]))),
        ("with trailing bytes", json!(to_pem(&[&der[..], &[0]].concat()))),
        ("with a weak key", json!(to_pem(&weak))),
    ] {
        let fixture = fixture(&json!({ "other": certificate, "valid": valid_pem }));
        fixture.keys.refresh().await.unwrap();
        let status = fixture.keys.status();
        assert_eq!((status.keys, status.skipped), (1, 1), "{what}");
        assert_eq!(fixture.verify_now(&fixture.token(&valid)), Ok(()), "{what}");
    }
}

#[tokio::test]
async fn rejects_documents_of_another_form() {
    let key = ForeignKey::generate("one");
    let pem = pem(&key, NOW - DAY, NOW + DAY);
    let twice = format!(r#"{{"one":{pem:?},"one":{pem:?}}}"#);
    let many: Value = (0..101).map(|n| (n.to_string(), json!(pem))).collect();
    for (document, kind) in [
        (json!({}).to_string(), FetchErrorKind::NoUsableKeys),
        (json!([pem]).to_string(), FetchErrorKind::Malformed),
        (json!(pem).to_string(), FetchErrorKind::Malformed),
        (twice, FetchErrorKind::Malformed),
        (many.to_string(), FetchErrorKind::TooLarge),
        (json!({ "keys": [key.jwk()] }).to_string(), FetchErrorKind::NoUsableKeys),
    ] {
        let fixture = fixture(&json!({ "one": pem }));
        fixture.keys.refresh().await.unwrap();
        fixture.provider.respond(JWKS, Response::text(&*document));
        assert_eq!(fixture.keys.refresh().await.unwrap_err().kind(), kind, "{document}");
        assert_eq!(fixture.verify_now(&fixture.token(&key)), Ok(()));
    }
}

/// With the dates of today, so this test uses the system clock.
#[tokio::test]
async fn reads_certificates_of_openssl() {
    let Some(files) = Certificates::make() else { return };
    let provider = Provider::start();
    let pem = String::from_utf8(files.read("certificate.pem")).unwrap();
    provider.respond(JWKS, Response::json(&json!({ "k": pem })));
    let keys = RemoteKeys::from_certificates_url(provider.url(JWKS));
    let keys = keys.insecure_loopback_http().build().unwrap();
    keys.refresh().await.unwrap();
    let now = Clock::system().now().as_secs();
    let claims = json!({
        "iss": "a", "aud": API, "sub": "ada", "client_id": "app", "jti": "1", "iat": now,
        "exp": now + 60,
    });
    let minter = Minter::new(Algorithm::ES256, &files.read("key.pem"));
    let header = r#"{"alg":"ES256","kid":"k","typ":"at+jwt"}"#;
    let verifier = tower_jwt_auth::Verifier::builder(&keys)
        .issuer("a")
        .audience(API)
        .profile(tower_jwt_auth::token::TokenProfile::Rfc9068)
        .build()
        .unwrap();
    assert_eq!(outcome(verifier.verify(&minter.mint(header, claims.to_string()))), Ok(()));
}

#[tokio::test]
async fn a_jwk_may_have_only_a_certificate() {
    let key = ForeignKey::generate("one");
    let no_point = json!({ "x": null, "y": null });
    let rows: [(Value, Outcome); 8] = [
        (json!({}), Ok(())),
        (json!({ "crv": null, "alg": null, "use": null }), Ok(())),
        (json!({ "key_ops": ["verify"] }), Ok(())),
        (json!({ "kty": "RSA" }), UNKNOWN_KEY),
        (json!({ "alg": "ES384" }), UNKNOWN_KEY),
        (json!({ "use": "enc" }), UNKNOWN_KEY),
        (json!({ "key_ops": ["sign"] }), UNKNOWN_KEY),
        (json!({ "x5c": [] }), UNKNOWN_KEY),
    ];
    for (changes, expected) in rows {
        let mut jwk = key.jwk_with(&no_point);
        jwk["x5c"] = x5c(&key.spki(), NOW + DAY);
        let jwk = with(&jwk, &changes);
        let fixture = Fixture::with_keys(&[jwk, ForeignKey::generate("other").jwk()]).await;
        assert_eq!(fixture.verify_now(&fixture.token(&key)), expected, "{changes}");
    }
    // Its dates are checked.
    let mut jwk = key.jwk_with(&no_point);
    jwk["x5c"] = x5c(&key.spki(), NOW + 10);
    let fixture = Fixture::with_keys(&[jwk, ForeignKey::generate("other").jwk()]).await;
    assert_eq!(fixture.verify_now(&fixture.token(&key)), Ok(()));
    fixture.clock.advance(Duration::from_secs(11));
    eventually(UNKNOWN_KEY, async || fixture.verify_now(&fixture.token(&key))).await;
}

/// RFC 7517, section 4.7: the first certificate contains the key.
#[tokio::test]
async fn a_jwk_must_match_its_certificate() {
    let (key, other) = (ForeignKey::generate("one"), ForeignKey::generate("other"));
    let rsa = keys::der(keys::RSA_PUBLIC);
    let base64 = |x5c: &Value| x5c[0].clone();
    let own = x5c(&key.spki(), NOW + DAY);
    let of_other = x5c(&other.spki(), NOW + DAY);
    for (what, x5c, expected) in [
        ("its own", own.clone(), Ok(())),
        // The members of the JWK are the key, and the dates are those of the certificate.
        ("its own, expired", x5c(&key.spki(), NOW - 1), Ok(())),
        ("its own and another", json!([base64(&own), base64(&of_other)]), Ok(())),
        ("of another key", of_other.clone(), UNKNOWN_KEY),
        ("of another key first", json!([base64(&of_other), base64(&own)]), UNKNOWN_KEY),
        ("of another type", x5c(&rsa, NOW + DAY), UNKNOWN_KEY),
        // Unreadable ones are not used.
        ("not base64", json!(["?"]), Ok(())),
        ("not a certificate", json!(["AAAA"]), Ok(())),
        ("not a list", json!("AAAA"), Ok(())),
    ] {
        let mut jwk = key.jwk();
        jwk["x5c"] = x5c;
        let fixture = Fixture::with_keys(&[jwk, ForeignKey::generate("third").jwk()]).await;
        assert_eq!(fixture.verify_now(&fixture.token(&key)), expected, "{what}");
    }
}

#[test]
fn a_parsed_set_checks_the_dates_of_certificates() {
    let now = Clock::system().now().as_secs();
    let key = ForeignKey::generate("one");
    for (not_after, is_usable) in [(now + DAY, true), (now - DAY, false)] {
        let mut jwk = key.jwk_with(&json!({ "x": null, "y": null }));
        let der = certificate(&key.spki(), now - 2 * DAY, not_after);
        jwk["x5c"] = json!([BASE64_STANDARD.encode(der)]);
        let set = json!({ "keys": [jwk, provider_key()] }).to_string();
        assert_eq!(JwkSet::from_json(&set).unwrap().skipped(), usize::from(!is_usable));
    }
}

fn provider_key() -> Value {
    ForeignKey::generate("other").jwk()
}

fn with(jwk: &Value, changes: &Value) -> Value {
    let mut jwk = jwk.clone();
    for (name, value) in changes.as_object().unwrap() {
        jwk[name] = value.clone();
    }
    jwk
}

/// The claims of tokens for [`super::verifier`].
fn payload(issuer: &str) -> String {
    json!({
        "iss": issuer, "aud": API, "sub": "ada", "client_id": "app", "iat": NOW, "exp": NOW + 300,
        "jti": "4c6a8b1f",
    })
    .to_string()
}
