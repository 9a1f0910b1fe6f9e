//! Which keys of a JWK set are used.

use serde_json::{Value, json};
use tower_jwt_auth::{
    Algorithm, ConfigErrorKind, Verifier,
    jwks::{FetchErrorKind, JwkSet},
    token::NoClaims,
};

use super::{Fixture, Outcome, UNKNOWN_KEY, provider_with, token_naming};
use crate::support::{
    foreign::ForeignKey,
    keys,
    mint::{Minter, NOW, claims, clock, encode},
    provider::{JWKS, Response},
};

/// Asserts that of a set with a valid key and `others`, only the valid key is used.
async fn assert_skipped(what: &str, others: &[Value]) {
    let valid = ForeignKey::generate("valid");
    let mut all = vec![valid.jwk()];
    all.extend(others.iter().cloned());
    for _ in 0..all.len() {
        let fixture = Fixture::with_keys(&all).await;
        let status = fixture.keys.status();
        assert_eq!((status.keys, status.skipped), (1, others.len()), "{what}");
        assert_eq!(fixture.verify_now(&fixture.token(&valid)), Ok(()), "{what}");
        all.rotate_left(1);
    }
}

#[tokio::test]
async fn skips_unusable_keys() {
    let ec = ForeignKey::generate("other");
    let x = ec.jwk()["x"].clone();
    let rsa = |bits: usize, exponent: &[u8]| {
        let mut modulus = vec![0xc5; bits / 8];
        modulus[bits / 8 - 1] = 1;
        json!({ "kty": "RSA", "n": encode(modulus), "e": encode(exponent), "kid": "other" })
    };
    let okp = |x: &[u8]| json!({ "kty": "OKP", "crv": "Ed25519", "x": encode(x), "kid": "other" });
    let secret = json!({ "kty": "oct", "k": encode([7, 9].repeat(32)), "kid": "other" });
    for (what, key) in [
        ("not an object", json!("key")),
        ("null", Value::Null),
        ("an array", json!(["EC", "P-256", x])),
        ("empty", json!({})),
        ("no type", ec.jwk_with(&json!({ "kty": null }))),
        ("an unknown type", ec.jwk_with(&json!({ "kty": "LMS" }))),
        ("a type that is not a string", ec.jwk_with(&json!({ "kty": 1 }))),
        ("another type", ec.jwk_with(&json!({ "kty": "RSA" }))),
        ("no curve", ec.jwk_with(&json!({ "crv": null }))),
        ("another curve", ec.jwk_with(&json!({ "crv": "P-384" }))),
        ("an unknown curve", ec.jwk_with(&json!({ "crv": "P-521", "alg": "ES512" }))),
        ("another algorithm", ec.jwk_with(&json!({ "alg": "ES384" }))),
        ("an algorithm of another type", ec.jwk_with(&json!({ "alg": "RS256" }))),
        ("an unknown algorithm", ec.jwk_with(&json!({ "alg": "ES256K" }))),
        ("an algorithm for encryption", ec.jwk_with(&json!({ "alg": "ECDH-ES" }))),
        ("an algorithm that is not a string", ec.jwk_with(&json!({ "alg": ["ES256"] }))),
        ("none", ec.jwk_with(&json!({ "alg": "none" }))),
        ("for encryption", ec.jwk_with(&json!({ "use": "enc" }))),
        ("for another operation", ec.jwk_with(&json!({ "key_ops": ["sign"] }))),
        ("a kid that is not a string", ec.jwk_with(&json!({ "kid": 1 }))),
        ("an empty kid", ec.jwk_with(&json!({ "kid": "" }))),
        ("a long kid", ec.jwk_with(&json!({ "kid": "k".repeat(257) }))),
        ("no point", ec.jwk_with(&json!({ "y": null }))),
        ("a point off the curve", ec.jwk_with(&json!({ "y": x }))),
        ("a short coordinate", ec.jwk_with(&json!({ "x": "AAAA" }))),
        ("not base64url", ec.jwk_with(&json!({ "x": "+/+/" }))),
        ("a shared secret", secret.clone()),
        ("a shared secret with an algorithm", {
            let mut secret = secret;
            secret["alg"] = "HS256".into();
            secret
        }),
        ("a point of small order", okp(&[0; 32])),
        ("a short x", okp(&[9; 31])),
        ("a long x", okp(&[9; 33])),
        ("another OKP curve", json!({ "kty": "OKP", "crv": "X25519", "x": encode([9; 32]) })),
        ("RSA of 1024 bits", rsa(1024, &[1, 0, 1])),
        ("RSA of 2040 bits", rsa(2040, &[1, 0, 1])),
        ("RSA of 8200 bits", rsa(8200, &[1, 0, 1])),
        ("an even exponent", rsa(2048, &[1, 0, 0])),
        ("an exponent of one", rsa(2048, &[1])),
        ("no exponent", rsa(2048, &[])),
    ] {
        assert_skipped(what, &[key]).await;
    }
}

#[tokio::test]
async fn skips_a_deeply_nested_key_alone() {
    let valid = ForeignKey::generate("valid");
    let deep = [("[", "]"), (r#"{"kty":"#, "}")]
        .map(|(open, close)| format!("{}1{}", open.repeat(10_000), close.repeat(10_000)));
    let provider = provider_with(&[]);
    let document = format!(r#"{{"keys":[{},{},{}]}}"#, deep[0], valid.jwk(), deep[1]);
    provider.respond(JWKS, Response::text(document));
    let fixture = Fixture::with_provider(provider, |keys| keys);
    fixture.keys.refresh().await.unwrap();
    assert_eq!(fixture.keys.status().skipped, 2);
    assert_eq!(fixture.verify_now(&fixture.token(&valid)), Ok(()));
}

#[tokio::test]
async fn skips_a_key_with_duplicate_members_alone() {
    let valid = ForeignKey::generate("valid");
    let duplicate = valid.jwk().to_string().replacen('{', r#"{"kid":"other","#, 1);
    let provider = provider_with(&[]);
    provider.respond(JWKS, Response::text(format!(r#"{{"keys":[{duplicate},{}]}}"#, valid.jwk())));
    let fixture = Fixture::with_provider(provider, |keys| keys);
    fixture.keys.refresh().await.unwrap();
    assert_eq!(fixture.keys.status().skipped, 1);
    assert_eq!(fixture.verify_now(&fixture.token(&valid)), Ok(()));
}

/// The .NET serializer writes each list that a key does not have as an empty one.
#[tokio::test]
async fn ignores_empty_lists_of_a_key() {
    let key = ForeignKey::generate("one");
    let jwk = key.jwk_with(&json!({ "key_ops": [], "x5c": [], "oth": [] }));
    let fixture = Fixture::with_keys(&[jwk]).await;
    assert_eq!(fixture.verify_now(&fixture.token(&key)), Ok(()));
}

/// RFC 9864 renames `EdDSA` with the curve Ed25519. Keys and tokens may use different names.
#[tokio::test]
async fn a_key_named_ed25519_verifies_tokens_of_both_names() {
    let names = ["EdDSA", "Ed25519"];
    let minter = Minter::new(Algorithm::EdDSA, keys::ED25519.as_bytes());
    for key_name in names {
        let jwk = json!({
            "kty": "OKP", "crv": "Ed25519", "x": ed25519_x(), "kid": "k", "alg": key_name,
        });
        let provider = provider_with(&[jwk]);
        let fixture = Fixture::with_provider(provider, |keys| keys.algorithms([Algorithm::EdDSA]));
        for name in names {
            // The first of these tokens causes the fetch.
            let header = json!({ "alg": name, "kid": "k", "typ": "at+jwt" }).to_string();
            let token = minter.mint(header, payload(&fixture.provider.issuer()));
            assert_eq!(fixture.verify(&token).await, Ok(()), "{key_name} {name}");
        }
    }
}

/// Anyone who can read a published secret could sign with it.
#[tokio::test]
async fn a_published_secret_verifies_nothing() {
    let secret = json!({ "kty": "oct", "k": encode(keys::SECRET), "kid": "s", "alg": "HS256" });
    let fixture = Fixture::with_keys(&[secret, ForeignKey::generate("one").jwk()]).await;
    let payload = claims(&[("iss", &format!("{:?}", fixture.provider.issuer()))]);
    let token = Minter::hs256().mint(r#"{"alg":"HS256","kid":"s","typ":"at+jwt"}"#, payload);
    assert_eq!(fixture.verify(&token).await, UNKNOWN_KEY);
    assert_eq!(fixture.fetches(), 1);
}

/// A token does not identify one of them.
#[tokio::test]
async fn skips_different_keys_with_the_same_id_and_algorithm() {
    let (one, two) = (ForeignKey::generate("same"), ForeignKey::generate("same"));
    for mut all in [vec![one.jwk(), two.jwk()], vec![one.jwk(), one.jwk(), two.jwk()]] {
        all.push(ForeignKey::generate("another").jwk());
        let fixture = Fixture::with_keys(&all).await;
        assert_eq!(fixture.keys.status().keys, 1);
        assert_eq!(fixture.verify_now(&fixture.token(&one)), UNKNOWN_KEY);
        assert_eq!(fixture.verify_now(&fixture.token(&two)), UNKNOWN_KEY);
    }
    // The same key twice is not ambiguous.
    let fixture = Fixture::with_keys(&[one.jwk(), one.jwk_with(&json!({ "x5t": "AAAA" }))]).await;
    assert_eq!(fixture.keys.status().keys, 1);
    assert_eq!(fixture.verify_now(&fixture.token(&one)), Ok(()));
    // Keys with other ids are not affected.
    let other = ForeignKey::generate("other");
    let fixture = Fixture::with_keys(&[one.jwk(), other.jwk(), two.jwk()]).await;
    assert_eq!(fixture.verify_now(&fixture.token(&other)), Ok(()));
    assert_eq!(
        fixture.verify_now(&token_naming(&one, "other", &fixture.provider.issuer())),
        super::INVALID_SIGNATURE
    );
}

#[tokio::test]
async fn accepts_one_id_for_keys_of_two_algorithms() {
    let ec = ForeignKey::generate("k");
    let okp = json!({ "kty": "OKP", "crv": "Ed25519", "kid": "k", "x": ed25519_x() });
    let fixture = Fixture::with_keys(&[ec.jwk(), okp]).await;
    assert_eq!(fixture.verify_now(&fixture.token(&ec)), Ok(()));
    assert_eq!(fixture.verify_now(&ed25519_token(&fixture.provider.issuer())), Ok(()));
}

/// The private members are ignored, even if they are malformed.
#[tokio::test]
async fn reads_only_the_public_part_of_a_private_key() {
    let key = ForeignKey::generate("one");
    let fixture = Fixture::with_keys(&[key.private_jwk()]).await;
    assert_eq!(fixture.verify_now(&fixture.token(&key)), Ok(()));
    let fixture = Fixture::with_keys(&[key.jwk_with(&json!({ "d": "not even base64url" }))]).await;
    assert_eq!(fixture.verify_now(&fixture.token(&key)), Ok(()));
}

#[tokio::test]
async fn a_key_without_alg_has_the_default_algorithm_of_its_type() {
    let header = |algorithm: Algorithm| format!(r#"{{"alg":"{algorithm}","typ":"at+jwt"}}"#);
    let defaults = [
        (Algorithm::RS256, keys::RSA, rsa_jwk(&json!({}))),
        (Algorithm::ES384, keys::P384, p384_jwk()),
        (Algorithm::EdDSA, keys::ED25519, json!({"kty":"OKP","crv":"Ed25519","x":ed25519_x()})),
    ];
    for (algorithm, pem, jwk) in defaults {
        let fixture = Fixture::with_keys(&[jwk]).await;
        let minter = Minter::new(algorithm, pem.as_bytes());
        let token = minter.mint(header(algorithm), payload(&fixture.provider.issuer()));
        assert_eq!(fixture.verify_now(&token), Ok(()), "{algorithm}");
    }
    let ec = ForeignKey::generate("one");
    let fixture = Fixture::with_keys(&[ec.jwk_with(&json!({ "alg": null }))]).await;
    assert_eq!(fixture.verify_now(&fixture.token(&ec)), Ok(()));
    // Any other algorithm must be in `alg`.
    let minter = Minter::new(Algorithm::PS256, keys::RSA.as_bytes());
    for (alg, expected) in [(Value::Null, UNKNOWN_KEY), ("PS256".into(), Ok(()))] {
        let jwk = rsa_jwk(&json!({ "alg": alg }));
        let fixture = Fixture::with_keys(&[jwk, ec.jwk()]).await;
        let token = minter.mint(header(Algorithm::PS256), payload(&fixture.provider.issuer()));
        assert_eq!(fixture.verify_now(&token), expected);
    }
}

#[tokio::test]
async fn configured_algorithms_limit_the_keys() {
    use Algorithm::{ES256, PS256, PS384, RS256};
    let rows: [(&[Algorithm], Value, Algorithm, Outcome); 8] = [
        (&[PS256], json!({}), PS256, Ok(())),
        (&[PS256], json!({}), RS256, UNKNOWN_KEY),
        (&[PS256, ES256], json!({}), PS256, Ok(())),
        (&[PS256, RS256], json!({}), RS256, Ok(())),
        // The key could be for either.
        (&[PS256, PS384], json!({}), PS256, UNKNOWN_KEY),
        (&[PS256, PS384], json!({ "alg": "PS384" }), PS384, Ok(())),
        (&[PS256], json!({ "alg": "RS256" }), RS256, UNKNOWN_KEY),
        (&[ES256], json!({}), RS256, UNKNOWN_KEY),
    ];
    for (accepted, changes, algorithm, expected) in rows {
        let okp = json!({ "kty": "OKP", "crv": "Ed25519", "x": ed25519_x() });
        let provider = provider_with(&[rsa_jwk(&changes), okp]);
        let accepted_too = accepted.iter().copied().chain([Algorithm::EdDSA]);
        let fixture = Fixture::with_provider(provider, |keys| keys.algorithms(accepted_too));
        fixture.keys.refresh().await.unwrap();
        let minter = Minter::new(algorithm, keys::RSA.as_bytes());
        let header = format!(r#"{{"alg":"{algorithm}","typ":"at+jwt"}}"#);
        let token = minter.mint(header, payload(&fixture.provider.issuer()));
        assert_eq!(fixture.verify_now(&token), expected, "{accepted:?} {changes} {algorithm}");
    }
}

#[tokio::test]
async fn a_malformed_set_leaves_the_current_keys() {
    let key = ForeignKey::generate("one");
    let fixture = Fixture::with_keys(&[key.jwk()]).await;
    let many = |n: usize| json!({ "keys": vec![json!({}); n] }).to_string();
    for (document, kind) in [
        (String::new(), FetchErrorKind::Malformed),
        ("null".to_owned(), FetchErrorKind::Malformed),
        ("[]".to_owned(), FetchErrorKind::Malformed),
        ("[[]]".to_owned(), FetchErrorKind::Malformed),
        (json!([[ForeignKey::generate("two").jwk()]]).to_string(), FetchErrorKind::Malformed),
        ("{}".to_owned(), FetchErrorKind::Malformed),
        (r#"{"keys":null}"#.to_owned(), FetchErrorKind::Malformed),
        (r#"{"keys":{}}"#.to_owned(), FetchErrorKind::Malformed),
        (r#"{"keys":[]"#.to_owned(), FetchErrorKind::Malformed),
        (r#"{"keys":[]}x"#.to_owned(), FetchErrorKind::Malformed),
        (r#"{"keys":[],"keys":[]}"#.to_owned(), FetchErrorKind::Malformed),
        ("<html></html>".to_owned(), FetchErrorKind::Malformed),
        (many(101), FetchErrorKind::TooLarge),
        (many(10_000), FetchErrorKind::TooLarge),
    ] {
        fixture.provider.respond(JWKS, Response::text(&*document));
        let error = fixture.keys.refresh().await.unwrap_err();
        assert_eq!(error.kind(), kind, "{}", &document[..document.len().min(80)]);
        assert_eq!(fixture.verify_now(&fixture.token(&key)), Ok(()));
    }
    fixture.provider.respond(JWKS, Response::text(b"{\"keys\":[],\"x\":\"\xff\"}"));
    assert_eq!(fixture.keys.refresh().await.unwrap_err().kind(), FetchErrorKind::Malformed);
    // The maximum number of keys.
    let mut all: Vec<_> =
        (0..99).map(|n| key.jwk_with(&json!({ "kid": format!("k{n}") }))).collect();
    all.push(key.jwk());
    fixture.provider.publish(&all);
    fixture.keys.refresh().await.unwrap();
    assert_eq!(fixture.keys.status().keys, 100);
}

#[test]
fn a_parsed_set_follows_the_same_rules() {
    let (one, two) = (ForeignKey::generate("one"), ForeignKey::generate("two"));
    let secret = json!({ "kty": "oct", "k": encode(keys::SECRET) });
    let set = json!({ "keys": [one.jwk(), secret, two.jwk()] }).to_string();
    let set = JwkSet::from_json(&set).unwrap();
    assert_eq!(set.skipped(), 1);
    let verifier = super::verifier(set, "a", &clock());
    for key in [&one, &two] {
        assert_eq!(super::outcome(verifier.verify(&key.token("a"))), Ok(()));
    }
    let stranger = ForeignKey::generate("three");
    assert_eq!(super::outcome(verifier.verify(&stranger.token("a"))), UNKNOWN_KEY);
    for json in ["", "{}", "[]", r#"{"keys":[]}"#, r#"{"keys":[{}]}"#] {
        assert_eq!(JwkSet::from_json(json).unwrap_err().kind(), ConfigErrorKind::Key, "{json}");
    }
    let many = json!({ "keys": vec![one.jwk(); 101] }).to_string();
    assert!(JwkSet::from_json(&many).unwrap_err().to_string().contains("100"));
    let _: Verifier<NoClaims> = verifier;
}

/// The claims of tokens for [`super::verifier`].
fn payload(issuer: &str) -> String {
    json!({
        "iss": issuer, "aud": crate::support::foreign::API, "sub": "ada", "client_id": "app",
        "iat": NOW, "exp": NOW + 300, "jti": "4c6a8b1f",
    })
    .to_string()
}

fn ed25519_token(issuer: &str) -> String {
    let minter = Minter::new(Algorithm::EdDSA, keys::ED25519.as_bytes());
    minter.mint(r#"{"alg":"EdDSA","kid":"k","typ":"at+jwt"}"#, payload(issuer))
}

fn ed25519_x() -> String {
    let der = keys::der(keys::ED25519_PUBLIC);
    encode(&der[der.len() - 32..])
}

fn p384_jwk() -> Value {
    let der = keys::der(keys::P384_PUBLIC);
    let (x, y) = der[der.len() - 96..].split_at(48);
    json!({ "kty": "EC", "crv": "P-384", "x": encode(x), "y": encode(y) })
}

fn rsa_jwk(changes: &Value) -> Value {
    // An RSAPublicKey of 2048 bits: 9 bytes, the modulus, 2 bytes, the exponent.
    let der = keys::der(keys::RSA_PUBLIC_PKCS1);
    let mut jwk = json!({ "kty": "RSA", "n": encode(&der[9..265]), "e": encode(&der[267..]) });
    for (name, value) in changes.as_object().unwrap() {
        if !value.is_null() {
            jwk[name] = value.clone();
        }
    }
    jwk
}
