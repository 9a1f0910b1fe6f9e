//! Verifiers of several issuers, combined.

use std::time::Duration;

use tower_jwt_auth::{
    Algorithm, ConfigErrorKind, Verifier, VerifyingKey,
    token::{TokenProfile, VerifierBuilder},
};

use super::{
    EXPIRED, INVALID_CLAIMS, INVALID_SIGNATURE, MALFORMED, Outcome, TOO_LONG, UNKNOWN_KEY,
    WRONG_AUDIENCE, WRONG_ISSUER, WRONG_TYPE, assert_outcome,
};
use crate::support::{
    keys,
    mint::{Minter, claims, clock},
};

const A: &str = "https://a.example";
const B: &str = "https://b.example";

fn builder(issuer: &str, algorithm: Algorithm, key: VerifyingKey) -> VerifierBuilder {
    assert_eq!(key.algorithm(), algorithm);
    Verifier::builder(key.with_kid("k").unwrap()).issuer(issuer).clock(clock())
}

fn secret(algorithm: Algorithm) -> VerifyingKey {
    VerifyingKey::from_secret(algorithm, keys::SECRET).unwrap()
}

fn ed25519() -> VerifyingKey {
    VerifyingKey::from_pem(Algorithm::EdDSA, keys::ED25519_PUBLIC).unwrap()
}

fn of_a() -> VerifierBuilder {
    builder(A, Algorithm::HS256, secret(Algorithm::HS256)).audience("of a")
}

/// The same `kid` with another key, algorithm, audience, profile and leeway.
fn of_b() -> VerifierBuilder {
    builder(B, Algorithm::EdDSA, ed25519())
        .audience("of b")
        .profile(TokenProfile::Plain)
        .leeway(Duration::from_secs(60))
}

fn both() -> Verifier {
    Verifier::by_issuer([of_a().build().unwrap(), of_b().build().unwrap()]).unwrap()
}

/// A token signed with the key of A or B. Its claims are valid at both issuers, except for the
/// changes and the missing `iss`.
fn token(signer: &str, changes: &[(&str, &str)]) -> String {
    let (algorithm, minter) = match signer {
        A => ("HS256", Minter::hs256()),
        _ => ("EdDSA", Minter::new(Algorithm::EdDSA, keys::ED25519.as_bytes())),
    };
    let both = [("aud", r#"["of a","of b"]"#), ("sub", r#""7""#)];
    let changed = |name: &str| changes.iter().any(|(other, _)| *other == name);
    let kept = both.into_iter().filter(|(name, _)| !changed(name));
    let payload = claims(&kept.chain(changes.iter().copied()).collect::<Vec<_>>());
    minter.mint(format!(r#"{{"alg":"{algorithm}","kid":"k"}}"#), payload)
}

#[track_caller]
fn assert_rows(verifier: &Verifier, rows: &[(&str, &str, Outcome)]) {
    for (signer, issuer, expected) in rows {
        let token = token(signer, &[("iss", issuer)]);
        assert_outcome(verifier, &token, *expected, &format!("{issuer} signed by {signer}"));
    }
}

#[test]
fn iss_selects_the_keys_and_does_not_authorize() {
    assert_rows(
        &both(),
        &[
            (A, r#""https://a.example""#, Ok(())),
            (B, r#""https://b.example""#, Ok(())),
            // The same `kid` names another key with another algorithm.
            (A, r#""https://b.example""#, UNKNOWN_KEY),
            (B, r#""https://a.example""#, UNKNOWN_KEY),
            (A, r#""https://c.example""#, WRONG_ISSUER),
            (A, r#""https://a.example/""#, WRONG_ISSUER),
            (A, r#""HTTPS://a.example""#, WRONG_ISSUER),
            (A, r#""https://a.example ""#, WRONG_ISSUER),
            (A, r#""""#, WRONG_ISSUER),
            (A, "", WRONG_ISSUER),
            (A, "null", WRONG_ISSUER),
            (A, "1", WRONG_ISSUER),
            (A, r#"["https://a.example"]"#, WRONG_ISSUER),
            (A, r#"{"iss":"https://a.example"}"#, WRONG_ISSUER),
            (A, r#""https:\/\/a.example""#, Ok(())),
        ],
    );
    // Keys with the same algorithm and the same `kid` are separate too.
    let other = VerifyingKey::from_secret(Algorithm::HS256, keys::LONG_SECRET).unwrap();
    let same_algorithm = Verifier::by_issuer([
        of_a().build().unwrap(),
        builder(B, Algorithm::HS256, other).build().unwrap(),
    ])
    .unwrap();
    assert_rows(
        &same_algorithm,
        &[(A, r#""https://a.example""#, Ok(())), (A, r#""https://b.example""#, INVALID_SIGNATURE)],
    );
}

#[test]
fn applies_only_the_rules_of_the_selected_issuer() {
    let a = ("iss", r#""https://a.example""#);
    let b = ("iss", r#""https://b.example""#);
    for (signer, changes, expected) in [
        (A, vec![a, ("aud", r#""of a""#)], Ok(())),
        (A, vec![a, ("aud", r#""of b""#)], WRONG_AUDIENCE),
        (B, vec![b, ("aud", r#""of a""#)], WRONG_AUDIENCE),
        (B, vec![b, ("aud", r#""of b""#)], Ok(())),
        (A, vec![a, ("exp", "1700000000")], EXPIRED),
        (B, vec![b, ("exp", "1700000000")], Ok(())),
        (A, vec![a, ("token_type", r#""refresh""#)], WRONG_TYPE),
        (A, vec![a, ("token_type", "")], WRONG_TYPE),
        (B, vec![b, ("token_type", ""), ("jti", "")], Ok(())),
        (A, vec![a, ("jti", "")], INVALID_CLAIMS),
        // A duplicate `iss` is invalid, whichever issuer it selects.
        (A, vec![b, a], INVALID_CLAIMS),
        (B, vec![a, b], INVALID_CLAIMS),
    ] {
        assert_outcome(&both(), &token(signer, &changes), expected, &format!("{changes:?}"));
    }
    let claims = both().verify(&token(A, &[a])).unwrap();
    assert_eq!((claims.issuer(), claims.user_id().as_str()), (Some(A), "42"));
    let claims = both().verify(&token(B, &[b])).unwrap();
    assert_eq!((claims.issuer(), claims.user_id().as_str()), (Some(B), "7"));
}

#[test]
fn rejects_input_without_an_issuer() {
    for (token, expected) in [
        ("", MALFORMED),
        ("a.b", MALFORMED),
        ("a.b.c", MALFORMED),
        (&*"x".repeat(100_000), TOO_LONG),
        (&*Minter::hs256().token("[]"), WRONG_ISSUER),
        (&*Minter::hs256().token(r#""https://a.example""#), WRONG_ISSUER),
        (&*Minter::hs256().token(""), WRONG_ISSUER),
        (&*Minter::hs256().token(b"\xff"), MALFORMED),
    ] {
        assert_outcome(&both(), token, expected, token);
    }
}

#[test]
fn applies_the_maximum_length_of_the_selected_issuer() {
    let verifier = Verifier::by_issuer([
        of_a().max_token_len(600).build().unwrap(),
        of_b().max_token_len(1200).build().unwrap(),
    ])
    .unwrap();
    for (signer, issuer, padding, expected) in [
        (A, r#""https://a.example""#, 0, Ok(())),
        (A, r#""https://a.example""#, 400, TOO_LONG),
        (B, r#""https://b.example""#, 400, Ok(())),
        (B, r#""https://b.example""#, 900, TOO_LONG),
    ] {
        let filling = format!("{:?}", "x".repeat(padding));
        let token = token(signer, &[("iss", issuer), ("x", &filling)]);
        assert_outcome(&verifier, &token, expected, &format!("{} bytes", token.len()));
    }
}

#[test]
fn rejects_invalid_combinations() {
    let without_issuer: Verifier =
        Verifier::builder(secret(Algorithm::HS256)).audience("of a").build().unwrap();
    for (what, verifiers, kind) in [
        ("none", vec![], ConfigErrorKind::Ineffective),
        ("no issuer", vec![of_a().build().unwrap(), without_issuer], ConfigErrorKind::Ineffective),
        (
            "a combined verifier of the same issuer",
            vec![both(), of_a().build().unwrap()],
            ConfigErrorKind::Conflict,
        ),
        (
            "the same issuer",
            vec![
                of_a().build().unwrap(),
                of_b().build().unwrap(),
                builder(A, Algorithm::EdDSA, ed25519()).build().unwrap(),
            ],
            ConfigErrorKind::Conflict,
        ),
    ] {
        assert_eq!(Verifier::by_issuer(verifiers).unwrap_err().kind(), kind, "{what}");
    }
    assert!(Verifier::by_issuer([of_a().build().unwrap()]).is_ok());
}
