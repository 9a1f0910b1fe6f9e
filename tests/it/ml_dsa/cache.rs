//! The cache for verified tokens.

use tower_jwt_auth::Verifier;

use super::{ALGORITHMS, SEED, key};
use crate::support::mint::{Minter, claims, clock};

fn tokens(minter: &Minter, count: usize) -> Vec<String> {
    (0..count).map(|n| minter.token(claims(&[("jti", &format!("\"{n}\""))]))).collect()
}

#[test]
fn holds_no_more_than_its_size() {
    for (algorithm, ..) in ALGORITHMS {
        let tokens = tokens(&Minter::ml_dsa(algorithm, SEED), 60);
        let builder = Verifier::builder(key(algorithm).verifying_key()).clock(clock());
        let verifier: Verifier = builder.cache(64 * 1024).build().unwrap();
        for token in tokens.iter().chain(&tokens) {
            assert!(verifier.verify(token).is_ok());
        }
        // Backwards, the newest ones are found.
        let before = verifier.cache_stats().hits;
        for token in tokens.iter().rev() {
            assert!(verifier.verify(token).is_ok());
        }
        let hits = verifier.cache_stats().hits - before;
        let most = 64 * 1024 / tokens[0].len() as u64;
        assert!((1..=most).contains(&hits), "{algorithm}: {hits} of at most {most}");
    }
}

#[test]
fn finds_tokens_in_the_default_cache() {
    for (algorithm, ..) in ALGORITHMS {
        let tokens = tokens(&Minter::ml_dsa(algorithm, SEED), 40);
        let builder = Verifier::builder(key(algorithm).verifying_key()).clock(clock());
        let verifier: Verifier = builder.build().unwrap();
        for token in tokens.iter().chain(&tokens) {
            assert!(verifier.verify(token).is_ok());
        }
        let stats = verifier.cache_stats();
        assert_eq!((stats.hits, stats.misses), (40, 40), "{algorithm}");
    }
}

/// The signature ends with the hint, where FIPS 204 permits one encoding only.
#[test]
fn another_encoding_of_a_cached_signature_is_rejected() {
    for (algorithm, ..) in ALGORITHMS {
        let minter = Minter::ml_dsa(algorithm, SEED);
        let builder = Verifier::builder(key(algorithm).verifying_key()).clock(clock());
        let verifier: Verifier = builder.build().unwrap();
        let token = minter.token(claims(&[]));
        assert!(verifier.verify(&token).is_ok());
        for at in token.len() - 120..token.len() {
            let mut other = token.clone().into_bytes();
            other[at] = if other[at] == b'A' { b'E' } else { b'A' };
            let other = String::from_utf8(other).unwrap();
            assert!(verifier.verify(&other).is_err(), "{algorithm}: {at}");
        }
        assert_eq!(verifier.cache_stats().hits, 0);
        assert!(verifier.verify(&token).is_ok());
        assert_eq!(verifier.cache_stats().hits, 1);
    }
}
