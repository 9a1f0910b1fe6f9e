//! The cache: a hit requires the complete token, and everything that may have changed since is
//! checked again.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use tower_jwt_auth::{
    Algorithm, AuthErrorKind, ConfigErrorKind, Issuer, JwtAuthLayer, KeySet, ManualClock,
    MemoryStore, NumericDate, SigningKey, Verifier, VerifyingKey,
    store::{Revocation, TokenStore},
    token::{CacheStats, NoClaims, TokenType, UserId, VerifierBuilder},
};

use crate::support::{
    app::{bearer, send_once},
    keys,
    mint::{Minter, NOW, claims, clock, encode},
};

use super::{
    EXPIRED, INVALID_SIGNATURE, NOT_YET_VALID, Outcome, UNKNOWN_KEY, WRONG_AUDIENCE, WRONG_TYPE,
    builder,
};

/// Verifies `token` once, unlike the function of the parent module.
fn outcome(verifier: &Verifier, token: &str) -> Outcome {
    verifier.verify(token).map(drop).map_err(|error| error.kind())
}

fn stats(verifier: &Verifier) -> (u64, u64) {
    let CacheStats { hits, misses, .. } = verifier.cache_stats();
    (hits, misses)
}

fn hs256() -> VerifyingKey {
    VerifyingKey::from_secret(Algorithm::HS256, keys::SECRET).unwrap()
}

fn with_clock(clock: &ManualClock) -> VerifierBuilder {
    builder().clock(clock)
}

fn at(secs: u64) -> NumericDate {
    NumericDate::from_secs(secs)
}

#[test]
fn caches_by_default_only_with_public_keys() {
    let secret = Minter::hs256().token(claims(&[]));
    let public = Minter::new(Algorithm::EdDSA, keys::ED25519.as_bytes()).token(claims(&[]));
    let ed25519 = VerifyingKey::from_pem(Algorithm::EdDSA, keys::ED25519_PUBLIC).unwrap();
    let both = KeySet::builder().verifying_key(hs256()).verifying_key(ed25519.clone());
    let rows = [
        (KeySet::from(hs256()), None, &secret, (0, 0)),
        (KeySet::from(hs256()), Some(64 * 1024), &secret, (2, 1)),
        (KeySet::from(hs256()), Some(0), &secret, (0, 0)),
        (KeySet::from(ed25519.clone()), None, &public, (2, 1)),
        (KeySet::from(ed25519), Some(0), &public, (0, 0)),
        (both.build().unwrap(), None, &secret, (2, 1)),
    ];
    for (keys, bytes, token, expected) in rows {
        let builder: VerifierBuilder = Verifier::builder(keys).clock(clock());
        let builder = bytes.into_iter().fold(builder, VerifierBuilder::cache);
        let verifier = builder.build().unwrap();
        for _ in 0..3 {
            assert_eq!(outcome(&verifier.clone(), token), Ok(()));
        }
        assert_eq!(stats(&verifier), expected);
    }
}

#[test]
fn rejects_a_cache_that_is_too_small() {
    for bytes in [1, 1024, 64 * 1024 - 1] {
        let error = Verifier::builder(hs256()).claims::<()>().cache(bytes).build().unwrap_err();
        assert_eq!(error.kind(), ConfigErrorKind::OutOfRange);
    }
}

#[test]
fn compares_the_complete_token() {
    let verifier = builder().build().unwrap();
    let valid = Minter::hs256().token(claims(&[]));
    assert_eq!(outcome(&verifier, &valid), Ok(()));
    for index in 0..valid.len() {
        let mut other = valid.clone().into_bytes();
        other[index] = if other[index] == b'A' { b'Q' } else { b'A' };
        let other = String::from_utf8(other).unwrap();
        assert!(outcome(&verifier, &other).is_err(), "byte {index}");
    }
    // Other claims with the signature of a cached token.
    let (header, rest) = valid.split_once('.').unwrap();
    let (_, signature) = rest.split_once('.').unwrap();
    let admin = encode(claims(&[("user_id", r#""43""#)]));
    assert_eq!(outcome(&verifier, &format!("{header}.{admin}.{signature}")), INVALID_SIGNATURE);
    assert_eq!(verifier.cache_stats().hits, 0);
    assert_eq!(outcome(&verifier, &valid), Ok(()));
    assert_eq!(verifier.cache_stats().hits, 1);
}

#[test]
fn verifiers_do_not_share_a_cache() {
    let token = Minter::hs256().token(claims(&[("aud", r#""a""#)]));
    let keys = KeySet::from(hs256());
    let of = || Verifier::builder(keys.clone()).clock(clock()).cache(64 * 1024);
    let accepting: Verifier = of().audience("a").build().unwrap();
    for _ in 0..2 {
        assert_eq!(outcome(&accepting, &token), Ok(()));
        assert_eq!(outcome(&of().audience("b").build().unwrap(), &token), WRONG_AUDIENCE);
        let refresh = of().token_type(TokenType::Refresh);
        assert_eq!(outcome(&refresh.build().unwrap(), &token), WRONG_TYPE);
    }
}

#[test]
fn caches_only_accepted_tokens() {
    let clock = ManualClock::new(at(NOW + 300));
    let permits = Arc::new(AtomicBool::new(false));
    let check = Arc::clone(&permits);
    let verifier = with_clock(&clock).check(move |_| check.load(Ordering::SeqCst)).build().unwrap();
    let token = Minter::hs256().token(claims(&[]));
    let forged = Minter::new(Algorithm::HS256, keys::LONG_SECRET).token(claims(&[]));
    for _ in 0..2 {
        assert_eq!(outcome(&verifier, &token), EXPIRED);
        assert_eq!(outcome(&verifier, &forged), INVALID_SIGNATURE);
    }
    clock.set(at(NOW));
    for _ in 0..2 {
        assert!(outcome(&verifier, &token).is_err());
    }
    assert_eq!(stats(&verifier), (0, 6));
    permits.store(true, Ordering::SeqCst);
    assert_eq!(outcome(&verifier, &token), Ok(()));
    assert_eq!(stats(&verifier), (0, 7));
}

#[test]
fn checks_times_on_each_hit() {
    let clock = ManualClock::new(at(NOW));
    let seconds = Duration::from_secs(5);
    let builder = with_clock(&clock).leeway(seconds).clock_skew(seconds);
    let verifier = builder.build().unwrap();
    let token = Minter::hs256().token(claims(&[("nbf", "1700000000"), ("iat", "1699999000")]));
    let issued = Minter::hs256().token(claims(&[]));
    let rows = [
        (NOW, Ok(())),
        (NOW + 304, Ok(())),
        (NOW + 305, EXPIRED),
        (NOW - 5, Ok(())),
        (NOW - 6, NOT_YET_VALID),
        (NOW + 1_000_000, EXPIRED),
        (NOW + 300, Ok(())),
    ];
    for (now, expected) in rows {
        clock.set(at(now));
        assert_eq!(outcome(&verifier, &token), expected, "{now}");
        assert_eq!(outcome(&verifier, &issued), expected, "{now}");
    }
    assert_eq!(verifier.cache_stats().misses, 2, "all others are hits");
}

#[test]
fn runs_the_checks_on_each_hit() {
    let permits = Arc::new(AtomicBool::new(true));
    let check = Arc::clone(&permits);
    let builder: VerifierBuilder = builder().check(move |_| check.load(Ordering::SeqCst));
    let verifier = builder.build().unwrap();
    let token = Minter::hs256().token(claims(&[]));
    assert_eq!(outcome(&verifier, &token), Ok(()));
    permits.store(false, Ordering::SeqCst);
    assert_eq!(outcome(&verifier, &token), Err(AuthErrorKind::CheckFailed));
    permits.store(true, Ordering::SeqCst);
    assert_eq!(outcome(&verifier, &token), Ok(()));
    assert_eq!(stats(&verifier), (2, 1));
}

#[tokio::test]
async fn checks_revocation_on_each_hit() {
    let store = MemoryStore::new();
    let verifier: Verifier = builder().build().unwrap();
    let layer = JwtAuthLayer::new(verifier.clone()).with_revocation_check(store.clone());
    let token = Minter::hs256().token(claims(&[]));
    for _ in 0..2 {
        assert!(send_once(&layer, bearer(&token)).await.outcome().is_ok());
    }
    let user_id = UserId::from("42");
    let revocation =
        Revocation::Token { jti: "9f1c", user_id: &user_id, keep_until: at(NOW + 600) };
    store.revoke(&revocation, at(NOW)).await.unwrap();
    assert!(send_once(&layer, bearer(&token)).await.outcome().is_err());
    assert_eq!(stats(&verifier), (2, 1));
}

/// A cached token must not be accepted after its key was withdrawn.
#[test]
fn clears_the_cache_when_the_keys_change() {
    let [old, new] = [0, 1].map(|_| SigningKey::generate(Algorithm::ES256).unwrap());
    let of = |key: &SigningKey| KeySet::builder().signing_key(key.clone());
    let keys = of(&old).build().unwrap();
    let verifier: Verifier = Verifier::builder(keys.clone()).build().unwrap();
    let issuer: Issuer = Issuer::builder(keys.clone()).build().unwrap();
    let issue = || {
        let (access, hour) = (TokenType::Access, Duration::from_secs(3600));
        issuer.issue(&access, hour, &UserId::from(42), &NoClaims::default()).unwrap()
    };
    let token = issue();
    assert_eq!(outcome(&verifier, &token), Ok(()));
    assert_eq!(outcome(&verifier, &token), Ok(()));
    assert_eq!(stats(&verifier), (1, 1));

    keys.replace(of(&new)).unwrap();
    for _ in 0..2 {
        assert_eq!(outcome(&verifier, &token), INVALID_SIGNATURE);
    }
    assert_eq!(outcome(&verifier, &issue()), Ok(()));

    // With the old key trusted again the token is valid again, but it is not cached.
    keys.replace(of(&new).verifying_key(old.verifying_key())).unwrap();
    assert_eq!(outcome(&verifier, &token), Ok(()));
    assert_eq!(stats(&verifier), (1, 5));
    assert_eq!(outcome(&verifier, &token), Ok(()));
    assert_eq!(stats(&verifier), (2, 5));

    let rsa = SigningKey::from_pem(Algorithm::RS256, keys::RSA).unwrap();
    keys.replace(of(&rsa)).unwrap();
    assert_eq!(outcome(&verifier, &token), UNKNOWN_KEY);
}

#[test]
fn uses_no_more_memory_than_configured() {
    const BYTES: usize = 64 * 1024;
    for filling in [0, 4000] {
        let verifier: Verifier = builder().cache(BYTES).build().unwrap();
        let filling = format!("\"{}\"", "x".repeat(filling));
        let tokens: Vec<_> = (0..1000)
            .map(|id| {
                let jti = format!("\"{id}\"");
                Minter::hs256().token(claims(&[("jti", &jti), ("filling", &filling)]))
            })
            .collect();
        for token in tokens.iter().chain(tokens.iter().rev()) {
            assert_eq!(outcome(&verifier, token), Ok(()));
        }
        let hits = verifier.cache_stats().hits as usize;
        assert!(hits > 0 && hits * tokens[0].len() < BYTES, "{hits}");
    }
}

#[test]
fn verifiers_combined_by_issuer_do_not_share_a_cache() {
    let keys = [0, 1].map(|_| SigningKey::generate(Algorithm::EdDSA).unwrap());
    let token_of = |issuer: &str, key: &SigningKey| {
        let issuer: Issuer = Issuer::builder(key.clone()).issuer(issuer).build().unwrap();
        let (access, hour) = (TokenType::Access, Duration::from_secs(3600));
        issuer.issue(&access, hour, &UserId::from(42), &NoClaims::default()).unwrap()
    };
    let of = |issuer: &str, key: &SigningKey| {
        Verifier::builder(key.verifying_key()).issuer(issuer).build().unwrap()
    };
    let verifier: Verifier = Verifier::by_issuer([of("a", &keys[0]), of("b", &keys[1])]).unwrap();
    for token in [token_of("a", &keys[0]), token_of("b", &keys[1])] {
        for _ in 0..3 {
            assert_eq!(outcome(&verifier, &token), Ok(()));
        }
    }
    for token in [token_of("a", &keys[1]), token_of("b", &keys[0])] {
        for _ in 0..2 {
            assert_eq!(outcome(&verifier, &token), INVALID_SIGNATURE);
        }
    }
    assert_eq!(stats(&verifier), (4, 6));
}
