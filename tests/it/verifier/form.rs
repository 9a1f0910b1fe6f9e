//! The compact serialization, and sizes.

use serde_json::Value;
use tower_jwt_auth::{AuthErrorKind, Verifier};

use super::{MALFORMED, Outcome, TOO_LONG, assert_outcome, builder, strict};
use crate::support::mint::{Minter, claims, encode};

const HEADER: &str = r#"{"alg":"HS256","typ":"JWT"}"#;

#[test]
fn rejects_tokens_without_exactly_three_parts() {
    let valid = Minter::hs256().token(claims(&[]));
    let (signed, signature) = valid.rsplit_once('.').unwrap();
    let (header, payload) = signed.split_once('.').unwrap();
    let tokens = [
        String::new(),
        ".".to_owned(),
        "..".to_owned(),
        "...".to_owned(),
        header.to_owned(),
        signed.to_owned(),
        format!("{header}."),
        format!("{header}.."),
        format!(".{valid}"),
        format!("{valid}."),
        format!("{valid}.{signature}"),
        format!("{header}.{payload}..{signature}"),
        format!("{header}..{payload}.{signature}"),
        // The five parts of an encrypted token.
        format!("{header}.{payload}.{signature}.{payload}.{signature}"),
        Minter::hs256().seal(&format!("{header}.{payload}.{payload}")),
    ];
    for token in tokens {
        // An empty signature is well-formed but invalid.
        let expected =
            if token == format!("{header}..") { super::INVALID_SIGNATURE } else { MALFORMED };
        assert_outcome(&strict(), &token, expected, &token);
    }
    assert_outcome(&strict(), &format!("{signed}."), super::INVALID_SIGNATURE, "no signature");
    assert_outcome(&strict(), &valid, Ok(()), "valid");
}

/// Appends spaces until the length modulo 3 is `remainder`. Unless it is 0, the last character in
/// base64url has unused bits.
fn padded_to(json: &str, remainder: usize) -> String {
    let mut json = json.to_owned();
    while json.len() % 3 != remainder {
        json.push(' ');
    }
    json
}

/// Changes the lowest bit of the last character. A lenient decoder returns the same bytes.
fn with_trailing_bit(part: &str) -> String {
    const ALPHABET: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let (rest, last) = part.split_at(part.len() - 1);
    let value = ALPHABET.iter().position(|byte| *byte == last.as_bytes()[0]).unwrap();
    format!("{rest}{}", char::from(ALPHABET[value ^ 1]))
}

#[test]
fn rejects_padding_and_unused_bits() {
    let minter = Minter::hs256();
    for remainder in [1, 2] {
        let header = encode(padded_to(HEADER, remainder));
        let payload = encode(padded_to(&claims(&[]), remainder));
        let token = minter.seal(&format!("{header}.{payload}"));
        let (signed, signature) = token.rsplit_once('.').unwrap();
        assert_outcome(&strict(), &token, Ok(()), "valid");

        let pad = "=".repeat(3 - remainder);
        let rows = [
            ("padded header", minter.seal(&format!("{header}{pad}.{payload}"))),
            ("padded payload", minter.seal(&format!("{header}.{payload}{pad}"))),
            ("padded signature", format!("{token}=")),
            ("one = too many", format!("{token}==")),
            (
                "bits in the header",
                minter.seal(&format!("{}.{payload}", with_trailing_bit(&header))),
            ),
            (
                "bits in the payload",
                minter.seal(&format!("{header}.{}", with_trailing_bit(&payload))),
            ),
            ("bits in the signature", format!("{signed}.{}", with_trailing_bit(signature))),
        ];
        for (what, token) in rows {
            assert_outcome(&strict(), &token, MALFORMED, what);
        }
    }
}

#[test]
fn rejects_parts_of_an_impossible_length() {
    let minter = Minter::hs256();
    let (header, payload) = (encode(padded_to(HEADER, 0)), encode(padded_to(&claims(&[]), 0)));
    for token in [
        minter.seal(&format!("{header}A.{payload}")),
        minter.seal(&format!("{header}.{payload}A")),
        format!("{}AA", minter.seal(&format!("{header}.{payload}"))),
    ] {
        assert_outcome(&strict(), &token, MALFORMED, &token);
    }
}

#[test]
fn rejects_characters_outside_the_url_safe_alphabet() {
    let minter = Minter::hs256();
    // The encoded payload has both characters that differ in standard base64.
    let payload = encode(claims(&[("name", r#""~~~???>>>ÿÿÿ""#)]));
    assert!(payload.contains('-') && payload.contains('_'));
    let header = encode(HEADER);
    assert_outcome(&strict(), &minter.seal(&format!("{header}.{payload}")), Ok(()), "url-safe");
    for standard in [payload.replace('-', "+"), payload.replace('_', "/")] {
        let token = minter.seal(&format!("{header}.{standard}"));
        assert_outcome(&strict(), &token, MALFORMED, &token);
    }

    for odd in
        [" ", "\t", "\n", "\r\n", "\0", "\u{7f}", "%2E", "é", "ａ", "\u{200b}", "🔑", "~", "'"]
    {
        let valid = minter.token(claims(&[]));
        let (signed, signature) = valid.rsplit_once('.').unwrap();
        let (header, payload) = signed.split_once('.').unwrap();
        for token in [
            format!("{odd}{valid}"),
            format!("{valid}{odd}"),
            minter.seal(&format!("{header}{odd}.{payload}")),
            minter.seal(&format!("{odd}{header}.{payload}")),
            minter.seal(&format!("{header}.{odd}{payload}")),
            minter.seal(&format!("{header}.{payload}{odd}")),
            format!("{signed}.{odd}{signature}"),
            minter.seal(&format!("{}{odd}{}", &signed[..80], &signed[80..])),
        ] {
            assert_outcome(&strict(), &token, MALFORMED, &format!("{odd:?} in {token:?}"));
        }
    }
    // The authentication scheme is not part of the token.
    let with_scheme = format!("Bearer {}", minter.token(claims(&[])));
    assert_outcome(&strict(), &with_scheme, MALFORMED, "with scheme");
}

/// A valid token of exactly `len` bytes.
fn token_of_len(len: usize) -> String {
    let minter = Minter::hs256();
    let fill = |pad: usize| minter.token(claims(&[("pad", &format!("{:?}", "x".repeat(pad)))]));
    let start = (len - fill(0).len()) * 3 / 4 - 8;
    // No base64url string has length 4n + 1, so some totals require a longer header.
    for pad in start..start + 16 {
        for spaces in ["", " ", "  "] {
            let payload = claims(&[("pad", &format!("{:?}", "x".repeat(pad)))]);
            let token = minter.mint(format!("{HEADER}{spaces}"), payload);
            if token.len() == len {
                return token;
            }
        }
    }
    panic!("no token of {len} bytes");
}

#[test]
fn rejects_tokens_longer_than_configured() {
    assert_outcome(&strict(), &token_of_len(8192), Ok(()), "8192 bytes");
    assert_outcome(&strict(), &token_of_len(8193), TOO_LONG, "8193 bytes");

    let roomy: Verifier = builder().max_token_len(20_000).build().unwrap();
    assert_outcome(&roomy, &token_of_len(8193), Ok(()), "8193 bytes");
    assert_outcome(&roomy, &token_of_len(20_000), Ok(()), "20000 bytes");
    assert_outcome(&roomy, &token_of_len(20_001), TOO_LONG, "20001 bytes");

    let narrow: Verifier = builder().max_token_len(300).build().unwrap();
    assert_outcome(&narrow, &token_of_len(300), Ok(()), "300 bytes");
    assert_outcome(&narrow, &token_of_len(301), TOO_LONG, "301 bytes");
}

#[test]
fn rejects_huge_input() {
    let verifier = strict();
    let huge = 32 * 1024 * 1024;
    let inputs = [".".repeat(huge), "A".repeat(huge), format!("{}.{}", "A".repeat(huge), "..")];
    for input in &inputs {
        assert_outcome(&verifier, input, TOO_LONG, "huge");
    }
    assert_outcome(&verifier, &".".repeat(8192), MALFORMED, "only dots");
}

#[test]
fn deep_nesting_does_not_overflow_the_stack() {
    let verifier: Verifier = builder().max_token_len(1024 * 1024).build().unwrap();
    let any: Verifier<Value> = builder().max_token_len(1024 * 1024).build().unwrap();
    let minter = Minter::hs256();
    for (open, close) in [("[", "]"), (r#"{"a":"#, "}")] {
        let depth = 100_000;
        let closed = format!("{}1{}", open.repeat(depth), close.repeat(depth));
        let in_claims = minter.token(claims(&[("deep", &closed)]));
        // It is skipped, unless the application's claims type reads it.
        assert_outcome(&verifier, &in_claims, Ok(()), "ignored");
        let error = any.verify(&in_claims).unwrap_err();
        assert_eq!(error.kind(), AuthErrorKind::InvalidClaims);

        let header = format!(r#"{{"alg":"HS256","deep":{closed}}}"#);
        assert_outcome(&verifier, &minter.mint(header, claims(&[])), Ok(()), "ignored");

        for name in ["exp", "jti", "user_id", "sid", "iss", "scope", "token_type"] {
            let token = minter.token(claims(&[(name, &closed)]));
            let invalid: Outcome = Err(AuthErrorKind::InvalidClaims);
            assert_outcome(&verifier, &token, invalid, name);
        }
        for name in ["aud", "sub", "auth_time"] {
            let token = minter.token(claims(&[(name, &closed)]));
            assert_outcome(&verifier, &token, Ok(()), name);
        }
        let unclosed = claims(&[("deep", &open.repeat(depth))]);
        assert_outcome(&verifier, &minter.token(unclosed), MALFORMED, "unclosed");
    }
}
