//! The choice of the key that verifies a token, and the replacement of keys.

use std::{
    sync::atomic::{AtomicBool, AtomicUsize, Ordering},
    thread,
};

use tower_jwt_auth::{
    Algorithm, AuthErrorKind, ConfigErrorKind, KeySet, SigningKey, Verifier, VerifyingKey,
    token::KeySetBuilder,
};

use crate::support::{
    keys,
    mint::{Minter, claims, clock},
};

/// The n-th of many secrets.
fn secret(n: usize) -> Vec<u8> {
    format!("test secret number {n:04} of no value to anyone").into_bytes()
}

fn unnamed(n: usize) -> VerifyingKey {
    VerifyingKey::from_secret(Algorithm::HS256, secret(n)).unwrap()
}

fn named(n: usize, kid: &str) -> VerifyingKey {
    unnamed(n).with_kid(kid).unwrap()
}

/// A valid token signed with the n-th secret.
fn token(n: usize, kid: Option<&str>) -> String {
    let kid = kid.map_or(String::new(), |kid| format!(r#","kid":"{kid}""#));
    let minter = Minter::new(Algorithm::HS256, &secret(n));
    minter.mint(format!(r#"{{"alg":"HS256"{kid}}}"#), claims(&[]))
}

fn verifier(keys: impl Into<KeySet>) -> Verifier {
    Verifier::builder(keys).clock(clock()).build().unwrap()
}

fn set(keys: impl IntoIterator<Item = VerifyingKey>) -> KeySet {
    keys.into_iter().fold(KeySet::builder(), KeySetBuilder::verifying_key).build().unwrap()
}

#[track_caller]
fn assert_outcome(verifier: &Verifier, token: &str, expected: Result<(), AuthErrorKind>) {
    let outcome = verifier.verify(token).map(drop).map_err(|error| error.kind());
    assert_eq!(outcome, expected);
}

const UNKNOWN: Result<(), AuthErrorKind> = Err(AuthErrorKind::UnknownKey);
const INVALID_SIGNATURE: Result<(), AuthErrorKind> = Err(AuthErrorKind::InvalidSignature);

#[test]
fn a_key_with_a_chosen_id_verifies_no_token_with_another_kid() {
    let verifier = verifier(named(1, "one"));
    assert_outcome(&verifier, &token(1, Some("one")), Ok(()));
    assert_outcome(&verifier, &token(1, None), Ok(()));
    for other in ["two", "One", "one ", "", "on", "ones", "../one", "one\\u0000", "%6fne"] {
        assert_outcome(&verifier, &token(1, Some(other)), UNKNOWN);
    }
    // The same string written with escapes.
    assert_outcome(&verifier, &token(1, Some(r"\u006fne")), Ok(()));
}

#[test]
fn a_key_without_a_chosen_id_verifies_tokens_with_any_kid() {
    let public = VerifyingKey::from_pem(Algorithm::EdDSA, keys::ED25519_PUBLIC).unwrap();
    let thumbprint = public.kid().unwrap().to_owned();
    let verifier_by_thumbprint = verifier(public);
    let minter = Minter::new(Algorithm::EdDSA, keys::ED25519.as_bytes());
    for kid in [&thumbprint, "anything", ""] {
        let header = format!(r#"{{"alg":"EdDSA","kid":"{kid}"}}"#);
        let token = minter.mint(header, claims(&[]));
        assert_outcome(&verifier_by_thumbprint, &token, Ok(()));
    }
    let by_secret = verifier(unnamed(1));
    assert_outcome(&by_secret, &token(1, Some("anything")), Ok(()));
    assert_outcome(&by_secret, &token(1, None), Ok(()));
    assert_outcome(&by_secret, &token(2, Some("anything")), INVALID_SIGNATURE);
}

#[test]
fn tries_only_the_key_that_the_token_names() {
    let verifier = verifier(set([named(1, "one"), named(2, "two"), unnamed(3)]));
    for (signer, kid, expected) in [
        (1, Some("one"), Ok(())),
        (2, Some("two"), Ok(())),
        (2, Some("one"), INVALID_SIGNATURE),
        (3, Some("one"), INVALID_SIGNATURE),
        (3, Some("three"), Ok(())),
        (1, Some("three"), INVALID_SIGNATURE),
        (1, None, Ok(())),
        (2, None, Ok(())),
        (3, None, Ok(())),
        (4, None, INVALID_SIGNATURE),
    ] {
        assert_outcome(&verifier, &token(signer, kid), expected);
    }
}

#[test]
fn matches_the_algorithm_before_the_key_id() {
    let rsa = |algorithm| {
        let key = VerifyingKey::from_pem(algorithm, keys::RSA_PUBLIC).unwrap();
        key.with_kid("k").unwrap()
    };
    let header = |algorithm| format!(r#"{{"alg":"{algorithm}","kid":"k"}}"#);
    let mint = |signer, named| {
        let minter = Minter::new(signer, keys::RSA.as_bytes());
        minter.mint(header(named), claims(&[]))
    };
    let one = verifier(rsa(Algorithm::RS256));
    assert_outcome(&one, &mint(Algorithm::RS256, "RS256"), Ok(()));
    assert_outcome(&one, &mint(Algorithm::PS256, "PS256"), UNKNOWN);
    assert_outcome(&one, &mint(Algorithm::RS256, "PS256"), UNKNOWN);
    assert_outcome(&one, &mint(Algorithm::PS256, "RS256"), INVALID_SIGNATURE);

    // Keys of two algorithms may share a `kid`.
    let both = verifier(set([rsa(Algorithm::RS256), rsa(Algorithm::PS256)]));
    assert_outcome(&both, &mint(Algorithm::RS256, "RS256"), Ok(()));
    assert_outcome(&both, &mint(Algorithm::PS256, "PS256"), Ok(()));
    assert_outcome(&both, &mint(Algorithm::PS256, "RS256"), INVALID_SIGNATURE);
    assert_outcome(&both, &mint(Algorithm::RS512, "RS512"), UNKNOWN);
}

#[test]
fn tries_at_most_four_keys() {
    let unnamed_keys = verifier(set((1..=6).map(unnamed)));
    let named_keys = verifier(set((1..=6).map(|n| named(n, &format!("k{n}")))));
    for n in 1..=6 {
        let expected = if n <= 4 { Ok(()) } else { INVALID_SIGNATURE };
        assert_outcome(&unnamed_keys, &token(n, None), expected);
        assert_outcome(&unnamed_keys, &token(n, Some("unknown")), expected);
        assert_outcome(&named_keys, &token(n, None), expected);
        // With a `kid`, the number of keys does not matter.
        assert_outcome(&named_keys, &token(n, Some(&format!("k{n}"))), Ok(()));
    }
    assert_outcome(&named_keys, &token(1, Some("unknown")), UNKNOWN);
}

#[test]
fn keys_of_other_algorithms_are_not_among_the_four() {
    let hs384 = |n| VerifyingKey::from_secret(Algorithm::HS384, [secret(n), secret(n)].concat());
    let others = (10..16).map(|n| hs384(n).unwrap());
    let verifier = verifier(set(others.chain([unnamed(1)])));
    assert_outcome(&verifier, &token(1, None), Ok(()));
}

#[test]
fn rejects_invalid_key_sets() {
    let signing = |n| SigningKey::hs256(secret(n)).unwrap();
    let ec = SigningKey::generate(Algorithm::ES256).unwrap();
    let cases = [
        ("empty", ConfigErrorKind::Ineffective, KeySet::builder()),
        (
            "two signing keys",
            ConfigErrorKind::Conflict,
            KeySet::builder().signing_key(signing(1)).signing_key(signing(2)),
        ),
        (
            "one kid, one algorithm",
            ConfigErrorKind::Conflict,
            KeySet::builder().verifying_key(named(1, "k")).verifying_key(named(2, "k")),
        ),
        (
            "the same key twice",
            ConfigErrorKind::Conflict,
            KeySet::builder().signing_key(ec.clone()).verifying_key(ec.verifying_key()),
        ),
    ];
    for (what, kind, builder) in cases {
        assert_eq!(builder.build().unwrap_err().kind(), kind, "{what}");
    }
}

#[test]
fn replaces_the_keys_of_every_clone() {
    let keys = set([named(1, "one")]);
    let verifier = verifier(keys.clone());
    let clone = verifier.clone();
    assert_outcome(&verifier, &token(2, Some("two")), UNKNOWN);

    keys.clone().replace(KeySet::builder().verifying_key(named(2, "two"))).unwrap();
    for verifier in [&verifier, &clone] {
        assert_outcome(verifier, &token(2, Some("two")), Ok(()));
        assert_outcome(verifier, &token(1, Some("one")), UNKNOWN);
    }
}

#[test]
fn keeps_the_old_keys_if_the_new_ones_are_invalid() {
    let signing = SigningKey::hs256(secret(1)).unwrap().with_kid("one").unwrap();
    let keys = KeySet::from(signing);
    let by_secret = verifier(keys.clone());
    for (what, kind, builder) in [
        ("empty", ConfigErrorKind::Ineffective, KeySet::builder()),
        (
            "no signing key",
            ConfigErrorKind::Ineffective,
            KeySet::builder().verifying_key(named(2, "two")),
        ),
        (
            "duplicates",
            ConfigErrorKind::Conflict,
            KeySet::builder()
                .signing_key(SigningKey::hs256(secret(3)).unwrap())
                .verifying_key(named(1, "two"))
                .verifying_key(named(2, "two")),
        ),
    ] {
        assert_eq!(keys.replace(builder).unwrap_err().kind(), kind, "{what}");
        assert_outcome(&by_secret, &token(1, Some("one")), Ok(()));
        assert_outcome(&by_secret, &token(2, Some("two")), UNKNOWN);
    }
}

/// Each replacement keeps one of the previous keys, as a rotation does.
#[test]
fn accepts_valid_tokens_while_keys_are_replaced() {
    const KEYS: usize = 8;
    const REPLACEMENTS: usize = 1000;

    let kid = |n: usize| format!("k{}", n % KEYS);
    let tokens: Vec<_> = (0..KEYS).map(|n| token(n, Some(&kid(n)))).collect();
    let state = |step: usize| {
        KeySet::builder()
            .verifying_key(named(step % KEYS, &kid(step)))
            .verifying_key(named((step + 1) % KEYS, &kid(step + 1)))
            .verifying_key(named(1000, "constant"))
    };
    let keys = state(0).build().unwrap();
    let verifier = verifier(keys.clone());
    let constant = token(1000, Some("constant"));
    let published = AtomicUsize::new(0);
    let done = AtomicBool::new(false);

    thread::scope(|scope| {
        let serve = || {
            while !done.load(Ordering::SeqCst) {
                assert!(verifier.verify(&constant).is_ok());
                let step = published.load(Ordering::SeqCst);
                let verified = verifier.verify(&tokens[(step + 1) % KEYS]);
                // With at most one replacement in between, both states have the key.
                if published.load(Ordering::SeqCst) == step {
                    assert!(verified.is_ok(), "step {step}: {verified:?}");
                }
            }
        };
        let servers = [scope.spawn(serve), scope.spawn(serve)];
        for step in 1..=REPLACEMENTS {
            keys.replace(state(step)).unwrap();
            published.store(step, Ordering::SeqCst);
            thread::yield_now();
        }
        done.store(true, Ordering::SeqCst);
        for server in servers {
            server.join().unwrap();
        }
    });
    assert_outcome(&verifier, &tokens[REPLACEMENTS % KEYS], Ok(()));
    assert_outcome(&verifier, &tokens[(REPLACEMENTS + 3) % KEYS], UNKNOWN);
}
