//! The compact form: `Jws` and verifiers, compared with the base64 crate and with each other.

#![no_main]

use std::sync::LazyLock;

use fuzz::{decode, encode, is_valid_header, key, members, mint, seal};
use libfuzzer_sys::fuzz_target;
use tower_jwt_auth::{Algorithm, AuthError, AuthErrorKind, SigningKey, Verifier, token::Jws};

const MAX_LEN: usize = 1024;

struct Verifiers {
    plain: Verifier,
    /// With the cache in use.
    caching: Verifier,
    /// With several keys, of which one is asymmetric.
    several: Verifier,
}

static VERIFIERS: LazyLock<Verifiers> = LazyLock::new(|| {
    let other = SigningKey::generate(Algorithm::ES256).unwrap().verifying_key();
    let several = tower_jwt_auth::KeySet::builder().verifying_key(key()).verifying_key(other);
    let several = several.build().unwrap();
    Verifiers {
        plain: Verifier::builder(key()).max_token_len(MAX_LEN).build().unwrap(),
        caching: Verifier::builder(key()).max_token_len(MAX_LEN).cache(64 * 1024).build().unwrap(),
        several: Verifier::builder(several).max_token_len(MAX_LEN).build().unwrap(),
    }
});

/// Whether a token with a valid signature has a valid form.
fn is_valid(signing_input: &str) -> bool {
    let Some((header, payload)) = signing_input.split_once('.') else { return false };
    let (Some(header), Some(_)) = (decode(header), decode(payload)) else { return false };
    members(header).is_some_and(|header| is_valid_header(&header))
}

fn kind<T>(result: Result<T, AuthError>) -> Option<AuthErrorKind> {
    result.err().map(|error| error.kind())
}

fn check(token: &str) {
    let Verifiers { plain, caching, several } = &*VERIFIERS;
    let outcome = kind(plain.verify(token));
    for _ in 0..2 {
        assert_eq!(kind(caching.verify(token)), outcome);
    }
    assert_eq!(kind(several.verify(token)).is_none(), outcome.is_none());
    let jws = Jws::verify(token, &key(), MAX_LEN);
    assert!(jws.is_ok() || outcome.is_some());
}

fuzz_target!(|input: &str| {
    check(input);
    check(&mint(input, input));
    check(&format!("{}.{}.{}", encode(input), encode("{}"), encode(input)));

    let token = seal(input);
    check(&token);
    let jws = Jws::verify(&token, &key(), MAX_LEN);
    if token.len() > MAX_LEN {
        assert_eq!(kind(jws), Some(AuthErrorKind::TooLong));
    } else {
        assert_eq!(jws.is_ok(), is_valid(input), "{token}");
        if let Ok(jws) = jws {
            let (header, payload) = input.split_once('.').unwrap();
            assert_eq!(Some(jws.header()), decode(header).as_deref());
            assert_eq!(Some(jws.payload()), decode(payload).as_deref());
        }
    }

    // No change of a token leaves it valid.
    if let Some(end) =
        token.len().checked_sub(1).filter(|_| kind(VERIFIERS.plain.verify(&token)).is_none())
    {
        for changed in
            [&token[..end], &format!("{token}="), &format!("{token}A"), &format!(".{token}")]
        {
            assert!(VERIFIERS.plain.verify(changed).is_err());
        }
    }
});
