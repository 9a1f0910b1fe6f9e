//! Rows 14 to 17 and 54: which keys of a set are taken.

use serde_json::{Value, json};
use tower_jwt_auth::{
    Algorithm, ConfigErrorKind, Verifier,
    jwks::{FetchErrorKind, JwkSet},
    token::NoClaims,
};

use super::{Outcome, Scene, UNKNOWN_KEY, naming, publishing};
use crate::support::{
    foreign::ForeignKey,
    keys,
    mint::{Minter, NOW, claims, clock, encode},
    provider::{Answer, JWKS},
};

/// Asserts that a set with `bad` and a good key is the good key alone.
async fn assert_skipped(what: &str, bad: &[Value]) {
    let good = ForeignKey::generate("good");
    let mut all = vec![good.jwk()];
    all.extend(bad.iter().cloned());
    for _ in 0..all.len() {
        let scene = Scene::of(&all).await;
        let freshness = scene.keys.status();
        assert_eq!((freshness.keys, freshness.skipped), (1, bad.len()), "{what}");
        assert_eq!(scene.ask_now(&scene.token(&good)), Ok(()), "{what}");
        all.rotate_left(1);
    }
}

#[tokio::test]
async fn a_bad_key_is_skipped_alone() {
    let key = ForeignKey::generate("bad");
    let x = key.jwk()["x"].clone();
    let rsa = |bits: usize, exponent: &[u8]| {
        let mut modulus = vec![0xc5; bits / 8];
        modulus[bits / 8 - 1] = 1;
        json!({ "kty": "RSA", "n": encode(modulus), "e": encode(exponent), "kid": "bad" })
    };
    let okp = |x: &[u8]| json!({ "kty": "OKP", "crv": "Ed25519", "x": encode(x), "kid": "bad" });
    let secret = json!({ "kty": "oct", "k": encode([7, 9].repeat(32)), "kid": "bad" });
    for (what, bad) in [
        ("no object", json!("key")),
        ("null", Value::Null),
        ("an array", json!(["EC", "P-256", x])),
        ("empty", json!({})),
        ("no type", key.jwk_with(&json!({ "kty": null }))),
        ("an unknown type", key.jwk_with(&json!({ "kty": "LMS" }))),
        ("a type that is no text", key.jwk_with(&json!({ "kty": 1 }))),
        ("another type", key.jwk_with(&json!({ "kty": "RSA" }))),
        ("no curve", key.jwk_with(&json!({ "crv": null }))),
        ("another curve", key.jwk_with(&json!({ "crv": "P-384" }))),
        ("an unknown curve", key.jwk_with(&json!({ "crv": "P-521", "alg": "ES512" }))),
        ("another algorithm", key.jwk_with(&json!({ "alg": "ES384" }))),
        ("an algorithm of another type", key.jwk_with(&json!({ "alg": "RS256" }))),
        ("an unknown algorithm", key.jwk_with(&json!({ "alg": "ES256K" }))),
        ("an algorithm for encryption", key.jwk_with(&json!({ "alg": "ECDH-ES" }))),
        ("an algorithm that is no text", key.jwk_with(&json!({ "alg": ["ES256"] }))),
        ("none", key.jwk_with(&json!({ "alg": "none" }))),
        ("for encryption", key.jwk_with(&json!({ "use": "enc" }))),
        ("for another operation", key.jwk_with(&json!({ "key_ops": ["sign"] }))),
        ("for no operation", key.jwk_with(&json!({ "key_ops": [] }))),
        ("a kid that is no text", key.jwk_with(&json!({ "kid": 1 }))),
        ("an empty kid", key.jwk_with(&json!({ "kid": "" }))),
        ("a long kid", key.jwk_with(&json!({ "kid": "k".repeat(257) }))),
        ("no point", key.jwk_with(&json!({ "y": null }))),
        ("a point beside the curve", key.jwk_with(&json!({ "y": x }))),
        ("a short coordinate", key.jwk_with(&json!({ "x": "AAAA" }))),
        ("no base64url", key.jwk_with(&json!({ "x": "+/+/" }))),
        ("a shared secret", secret.clone()),
        ("a shared secret with an algorithm", {
            let mut secret = secret;
            secret["alg"] = "HS256".into();
            secret
        }),
        ("a small order", okp(&[0; 32])),
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
        assert_skipped(what, &[bad]).await;
    }
}

#[tokio::test]
async fn deep_nesting_spoils_a_key_only() {
    let good = ForeignKey::generate("good");
    let deep = [("[", "]"), (r#"{"kty":"#, "}")]
        .map(|(open, close)| format!("{}1{}", open.repeat(10_000), close.repeat(10_000)));
    let provider = publishing(&[]);
    let document = format!(r#"{{"keys":[{},{},{}]}}"#, deep[0], good.jwk(), deep[1]);
    provider.answer(JWKS, Answer::text(document));
    let scene = Scene::of_provider(provider, |keys| keys);
    scene.keys.refresh().await.unwrap();
    assert_eq!(scene.keys.status().skipped, 2);
    assert_eq!(scene.ask_now(&scene.token(&good)), Ok(()));
}

#[tokio::test]
async fn repeated_members_spoil_a_key_only() {
    let good = ForeignKey::generate("good");
    let twice = good.jwk().to_string().replacen('{', r#"{"kid":"bad","#, 1);
    let provider = publishing(&[]);
    provider.answer(JWKS, Answer::text(format!(r#"{{"keys":[{twice},{}]}}"#, good.jwk())));
    let scene = Scene::of_provider(provider, |keys| keys);
    scene.keys.refresh().await.unwrap();
    assert_eq!(scene.keys.status().skipped, 1);
    assert_eq!(scene.ask_now(&scene.token(&good)), Ok(()));
}

/// Row 14: whoever reads a published secret could sign with it.
#[tokio::test]
async fn a_published_secret_verifies_nothing() {
    let secret = json!({ "kty": "oct", "k": encode(keys::SECRET), "kid": "s", "alg": "HS256" });
    let scene = Scene::of(&[secret]).await;
    let payload = claims(&[("iss", &format!("{:?}", scene.provider.issuer()))]);
    let token = Minter::hs256().mint(r#"{"alg":"HS256","kid":"s","typ":"at+jwt"}"#, payload);
    assert_eq!(scene.ask(&token).await, UNKNOWN_KEY);
    assert_eq!(scene.fetches(), 1);
}

/// Row 16: neither of two keys can be told to be the one that is meant.
#[tokio::test]
async fn keys_that_share_id_and_algorithm_are_refused() {
    let (one, two) = (ForeignKey::generate("same"), ForeignKey::generate("same"));
    for all in [vec![one.jwk(), two.jwk()], vec![one.jwk(), one.jwk(), two.jwk()]] {
        let scene = Scene::of(&all).await;
        assert_eq!(scene.keys.status().keys, 0);
        assert_eq!(scene.ask_now(&scene.token(&one)), UNKNOWN_KEY);
        assert_eq!(scene.ask_now(&scene.token(&two)), UNKNOWN_KEY);
    }
    // The same key twice leaves no doubt.
    let scene = Scene::of(&[one.jwk(), one.jwk_with(&json!({ "x5t": "AAAA" }))]).await;
    assert_eq!(scene.keys.status().keys, 1);
    assert_eq!(scene.ask_now(&scene.token(&one)), Ok(()));
    // Those with names of their own are not touched.
    let other = ForeignKey::generate("other");
    let scene = Scene::of(&[one.jwk(), other.jwk(), two.jwk()]).await;
    assert_eq!(scene.ask_now(&scene.token(&other)), Ok(()));
    assert_eq!(
        scene.ask_now(&naming(&one, "other", &scene.provider.issuer())),
        super::BAD_SIGNATURE
    );
}

#[tokio::test]
async fn one_id_may_name_keys_of_two_algorithms() {
    let ec = ForeignKey::generate("k");
    let okp = json!({ "kty": "OKP", "crv": "Ed25519", "kid": "k", "x": ed25519_x() });
    let scene = Scene::of(&[ec.jwk(), okp]).await;
    assert_eq!(scene.ask_now(&scene.token(&ec)), Ok(()));
    assert_eq!(scene.ask_now(&ed25519_token(&scene.provider.issuer())), Ok(()));
}

/// Row 54.
#[tokio::test]
async fn of_a_private_key_only_the_public_part_is_read() {
    let key = ForeignKey::generate("one");
    let scene = Scene::of(&[key.private_jwk()]).await;
    assert_eq!(scene.ask_now(&scene.token(&key)), Ok(()));
    let scene = Scene::of(&[key.jwk_with(&json!({ "d": "not even base64url" }))]).await;
    assert_eq!(scene.ask_now(&scene.token(&key)), Ok(()));
}

#[tokio::test]
async fn a_key_without_algorithm_is_for_the_usual_one_of_its_type() {
    let header = |algorithm: Algorithm| format!(r#"{{"alg":"{algorithm}","typ":"at+jwt"}}"#);
    let usual = [
        (Algorithm::RS256, keys::RSA, rsa_jwk(&json!({}))),
        (Algorithm::ES384, keys::P384, p384_jwk()),
        (Algorithm::EdDSA, keys::ED25519, json!({"kty":"OKP","crv":"Ed25519","x":ed25519_x()})),
    ];
    for (algorithm, pem, jwk) in usual {
        let scene = Scene::of(&[jwk]).await;
        let minter = Minter::new(algorithm, pem.as_bytes());
        let token = minter.mint(header(algorithm), payload(&scene.provider.issuer()));
        assert_eq!(scene.ask_now(&token), Ok(()), "{algorithm}");
    }
    let ec = ForeignKey::generate("one");
    let scene = Scene::of(&[ec.jwk_with(&json!({ "alg": null }))]).await;
    assert_eq!(scene.ask_now(&scene.token(&ec)), Ok(()));
    // What is not the usual one must be said.
    let minter = Minter::new(Algorithm::PS256, keys::RSA.as_bytes());
    for (alg, expected) in [(Value::Null, UNKNOWN_KEY), ("PS256".into(), Ok(()))] {
        let scene = Scene::of(&[rsa_jwk(&json!({ "alg": alg }))]).await;
        let token = minter.mint(header(Algorithm::PS256), payload(&scene.provider.issuer()));
        assert_eq!(scene.ask_now(&token), expected);
    }
}

#[tokio::test]
async fn configured_algorithms_decide() {
    use Algorithm::{ES256, PS256, PS384, RS256};
    let rows: [(&[Algorithm], Value, Algorithm, Outcome); 8] = [
        (&[PS256], json!({}), PS256, Ok(())),
        (&[PS256], json!({}), RS256, UNKNOWN_KEY),
        (&[PS256, ES256], json!({}), PS256, Ok(())),
        (&[PS256, RS256], json!({}), RS256, Ok(())),
        // Which of the two?
        (&[PS256, PS384], json!({}), PS256, UNKNOWN_KEY),
        (&[PS256, PS384], json!({ "alg": "PS384" }), PS384, Ok(())),
        (&[PS256], json!({ "alg": "RS256" }), RS256, UNKNOWN_KEY),
        (&[ES256], json!({}), RS256, UNKNOWN_KEY),
    ];
    for (accepted, changes, algorithm, expected) in rows {
        let provider = publishing(&[rsa_jwk(&changes)]);
        let scene = Scene::of_provider(provider, |keys| keys.algorithms(accepted.iter().copied()));
        scene.keys.refresh().await.unwrap();
        let minter = Minter::new(algorithm, keys::RSA.as_bytes());
        let header = format!(r#"{{"alg":"{algorithm}","typ":"at+jwt"}}"#);
        let token = minter.mint(header, payload(&scene.provider.issuer()));
        assert_eq!(scene.ask_now(&token), expected, "{accepted:?} {changes} {algorithm}");
    }
}

#[tokio::test]
async fn what_is_no_set_leaves_the_keys_that_are_there() {
    let key = ForeignKey::generate("one");
    let scene = Scene::of(&[key.jwk()]).await;
    let many = |n: usize| json!({ "keys": vec![json!({}); n] }).to_string();
    for (document, kind) in [
        (String::new(), FetchErrorKind::Malformed),
        ("null".to_owned(), FetchErrorKind::Malformed),
        ("[]".to_owned(), FetchErrorKind::Malformed),
        ("[[]]".to_owned(), FetchErrorKind::Malformed),
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
        scene.provider.answer(JWKS, Answer::text(&*document));
        let error = scene.keys.refresh().await.unwrap_err();
        assert_eq!(error.kind(), kind, "{}", &document[..document.len().min(80)]);
        assert_eq!(scene.ask_now(&scene.token(&key)), Ok(()));
    }
    scene.provider.answer(JWKS, Answer::text(b"{\"keys\":[],\"x\":\"\xff\"}"));
    assert_eq!(scene.keys.refresh().await.unwrap_err().kind(), FetchErrorKind::Malformed);
    // As many as there may be.
    let mut all: Vec<_> =
        (0..99).map(|n| key.jwk_with(&json!({ "kid": format!("k{n}") }))).collect();
    all.push(key.jwk());
    scene.provider.publish(&all);
    scene.keys.refresh().await.unwrap();
    assert_eq!(scene.keys.status().keys, 100);
}

#[test]
fn a_set_at_hand_follows_the_same_rules() {
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

/// What the tokens of [`Minter`] say, for [`super::verifier`].
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
