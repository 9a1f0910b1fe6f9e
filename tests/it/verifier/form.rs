//! Rows 9 and 10: the compact form, and sizes.

use serde_json::Value;
use tower_jwt_auth::{AuthErrorKind, Verifier};

use super::{MALFORMED, Outcome, assert_outcome, builder, strict};
use crate::support::mint::{Minter, claims, encode};

const HEADER: &str = r#"{"alg":"HS256","typ":"JWT"}"#;

#[test]
fn a_token_has_exactly_three_parts() {
    let good = Minter::hs256().token(claims(&[]));
    let (signed, signature) = good.rsplit_once('.').unwrap();
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
        format!(".{good}"),
        format!("{good}."),
        format!("{good}.{signature}"),
        format!("{header}.{payload}..{signature}"),
        format!("{header}..{payload}.{signature}"),
        // The five parts of an encrypted token.
        format!("{header}.{payload}.{signature}.{payload}.{signature}"),
        Minter::hs256().seal(&format!("{header}.{payload}.{payload}")),
    ];
    for token in tokens {
        // An empty signature is well-formed: it just is none.
        let expected =
            if token == format!("{header}..") { super::BAD_SIGNATURE } else { MALFORMED };
        assert_outcome(&strict(), &token, expected, &token);
    }
    assert_outcome(&strict(), &format!("{signed}."), super::BAD_SIGNATURE, "no signature");
    assert_outcome(&strict(), &good, Ok(()), "good");
}

/// Texts whose length makes the last character of their base64url carry bits of nothing.
fn padded_to(text: &str, remainder: usize) -> String {
    let mut text = text.to_owned();
    while text.len() % 3 != remainder {
        text.push(' ');
    }
    text
}

/// `part` with the lowest bit of its last character changed: decoded leniently, the same bytes.
fn with_trailing_bit(part: &str) -> String {
    const ALPHABET: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let (rest, last) = part.split_at(part.len() - 1);
    let value = ALPHABET.iter().position(|byte| *byte == last.as_bytes()[0]).unwrap();
    format!("{rest}{}", char::from(ALPHABET[value ^ 1]))
}

#[test]
fn base64url_has_one_spelling() {
    let minter = Minter::hs256();
    for remainder in [1, 2] {
        let header = encode(padded_to(HEADER, remainder));
        let payload = encode(padded_to(&claims(&[]), remainder));
        let token = minter.seal(&format!("{header}.{payload}"));
        let (signed, signature) = token.rsplit_once('.').unwrap();
        assert_outcome(&strict(), &token, Ok(()), "as it should be");

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
fn a_part_cannot_have_a_length_that_encodes_nothing() {
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
fn only_the_url_safe_alphabet_counts() {
    let minter = Minter::hs256();
    // A payload whose encoding holds both characters that standard base64 writes otherwise.
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
        let good = minter.token(claims(&[]));
        let (signed, signature) = good.rsplit_once('.').unwrap();
        let (header, payload) = signed.split_once('.').unwrap();
        for token in [
            format!("{odd}{good}"),
            format!("{good}{odd}"),
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
    // The scheme is the transport's business.
    let with_scheme = format!("Bearer {}", minter.token(claims(&[])));
    assert_outcome(&strict(), &with_scheme, MALFORMED, "with scheme");
}

/// A good token of exactly `len` bytes.
fn token_of_len(len: usize) -> String {
    let minter = Minter::hs256();
    let fill = |pad: usize| minter.token(claims(&[("pad", &format!("{:?}", "x".repeat(pad)))]));
    let start = (len - fill(0).len()) * 3 / 4 - 8;
    // Base64 skips one length in four: blanks after the payload do not help, a longer header does.
    for pad in start..start + 16 {
        for blanks in ["", " ", "  "] {
            let payload = claims(&[("pad", &format!("{:?}", "x".repeat(pad)))]);
            let token = minter.mint(format!("{HEADER}{blanks}"), payload);
            if token.len() == len {
                return token;
            }
        }
    }
    panic!("no token of {len} bytes");
}

#[test]
fn tokens_have_a_largest_size() {
    assert_outcome(&strict(), &token_of_len(8192), Ok(()), "8192 bytes");
    assert_outcome(&strict(), &token_of_len(8193), MALFORMED, "8193 bytes");

    let roomy: Verifier = builder().max_token_len(20_000).build().unwrap();
    assert_outcome(&roomy, &token_of_len(8193), Ok(()), "8193 bytes");
    assert_outcome(&roomy, &token_of_len(20_000), Ok(()), "20000 bytes");
    assert_outcome(&roomy, &token_of_len(20_001), MALFORMED, "20001 bytes");

    let narrow: Verifier = builder().max_token_len(300).build().unwrap();
    assert_outcome(&narrow, &token_of_len(300), Ok(()), "300 bytes");
    assert_outcome(&narrow, &token_of_len(301), MALFORMED, "301 bytes");
}

#[test]
fn huge_input_is_refused() {
    let verifier = strict();
    let huge = 32 * 1024 * 1024;
    let inputs = [".".repeat(huge), "A".repeat(huge), format!("{}.{}", "A".repeat(huge), "..")];
    for input in &inputs {
        assert_outcome(&verifier, input, MALFORMED, "huge");
    }
    assert_outcome(&verifier, &".".repeat(8192), MALFORMED, "only dots");
}

#[test]
fn deep_nesting_overflows_no_stack() {
    let verifier: Verifier = builder().max_token_len(1024 * 1024).build().unwrap();
    let any: Verifier<Value> = builder().max_token_len(1024 * 1024).build().unwrap();
    let minter = Minter::hs256();
    for (open, close) in [("[", "]"), (r#"{"a":"#, "}")] {
        let depth = 100_000;
        let closed = format!("{}1{}", open.repeat(depth), close.repeat(depth));
        let in_claims = minter.token(claims(&[("deep", &closed)]));
        // Skipped where nobody asked for it; refused where the application reads everything.
        assert_outcome(&verifier, &in_claims, Ok(()), "ignored");
        let error = any.verify(&in_claims).unwrap_err();
        assert_eq!(error.kind(), AuthErrorKind::InvalidClaims);

        let header = format!(r#"{{"alg":"HS256","deep":{closed}}}"#);
        assert_outcome(&verifier, &minter.mint(header, claims(&[])), Ok(()), "ignored");

        for name in ["exp", "jti", "user_id", "aud", "iss", "scope", "token_type"] {
            let token = minter.token(claims(&[(name, &closed)]));
            let refused: Outcome = Err(AuthErrorKind::InvalidClaims);
            assert_outcome(&verifier, &token, refused, name);
        }
        let open_end = claims(&[("deep", &open.repeat(depth))]);
        assert_outcome(&verifier, &minter.token(open_end), MALFORMED, "never closed");
    }
}
