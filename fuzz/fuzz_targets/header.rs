//! Headers of tokens, compared with jsonwebtoken and with a slow reader.
//!
//! What we accept, jsonwebtoken accepts. Deliberate difference: it rejects members that we ignore if
//! their type is not that of their specification, and any member whose value serde_json cannot hold.

#![no_main]

use std::sync::LazyLock;

use fuzz::{SECRET, is_valid_header, key, members, mint, mutate_json, string_member};
use jsonwebtoken::{DecodingKey, Validation};
use libfuzzer_sys::{fuzz_mutator, fuzz_target};
use serde_json::Value;
use tower_jwt_auth::{KeySet, Verifier, token::Jws};

const PAYLOAD: &str =
    r#"{"token_type":"access","exp":4102444800,"iat":1700000000,"jti":"9f1c","user_id":"42"}"#;
/// Members that jsonwebtoken reads and we do not.
const THEIRS: [&str; 9] = ["jku", "jwk", "x5u", "x5c", "x5t", "x5t#S256", "cty", "nonce", "url"];

struct Verifiers {
    /// A key without an id that was chosen.
    plain: Verifier,
    named: Verifier,
    at_jwt: Verifier,
    theirs: (DecodingKey, Validation),
}

static VERIFIERS: LazyLock<Verifiers> = LazyLock::new(|| {
    let mut validation = Validation::new(jsonwebtoken::Algorithm::HS256);
    validation.validate_aud = false;
    Verifiers {
        plain: Verifier::builder(key()).build().unwrap(),
        named: Verifier::builder(KeySet::from(key().with_kid("one").unwrap())).build().unwrap(),
        at_jwt: Verifier::builder(key()).header_typ("at+jwt").build().unwrap(),
        theirs: (DecodingKey::from_secret(SECRET).unwrap(), validation),
    }
});

fuzz_mutator!(|data: &mut [u8], size: usize, max_size: usize, seed: u32| {
    mutate_json(data, size, max_size, seed)
});

fuzz_target!(|header: &[u8]| {
    let Verifiers { plain, named, at_jwt, theirs: (decoding_key, validation) } = &*VERIFIERS;
    let token = mint(header, PAYLOAD);
    if token.len() > 8 * 1024 {
        return;
    }
    let ours = plain.verify(&token);
    let read = members(header);
    if read.as_ref().is_some_and(|read| read.len() > 200) {
        return;
    }
    let expected = read.as_deref().is_some_and(is_valid_header);
    assert_eq!(ours.is_ok(), expected, "{ours:?}");
    assert_eq!(Jws::verify(&token, &key(), 8 * 1024).is_ok(), expected);
    let Some(read) = read.filter(|_| expected) else {
        assert!(named.verify(&token).is_err() && at_jwt.verify(&token).is_err());
        return;
    };

    let key_id = string_member(&read, "kid");
    assert_eq!(named.verify(&token).is_ok(), key_id.is_none_or(|id| id == "one"));
    let typ = string_member(&read, "typ").unwrap_or_default().to_ascii_lowercase();
    let is_at_jwt = ["at+jwt", "application/at+jwt"].contains(&&*typ);
    assert_eq!(at_jwt.verify(&token).is_ok(), is_at_jwt);

    let is_theirs = read.iter().any(|(name, value)| {
        THEIRS.contains(&&**name) || serde_json::from_str::<Value>(value.get()).is_err()
    });
    if !is_theirs {
        let decoded = jsonwebtoken::decode::<Value>(&token, decoding_key, validation);
        let decoded = decoded.expect("jsonwebtoken accepts what we accept");
        assert_eq!(decoded.claims, serde_json::from_str::<Value>(PAYLOAD).unwrap());
    }
});
