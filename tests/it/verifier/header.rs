//! The members of the header.

use tower_jwt_auth::{Algorithm, Verifier, VerifyingKey};

use super::{
    INVALID_SIGNATURE, MALFORMED, Outcome, UNKNOWN_KEY, WRONG_TYPE, assert_outcome, builder, strict,
};
use crate::support::{
    keys,
    mint::{Minter, claims, clock, encode},
};

/// Verifies valid claims with a valid signature under each header.
#[track_caller]
fn assert_headers(verifier: &Verifier, rows: &[(&str, Outcome)]) {
    for (header, expected) in rows {
        let token = Minter::hs256().mint(header, claims(&[]));
        assert_outcome(verifier, &token, *expected, header);
    }
}

#[test]
fn rejects_unsigned_tokens() {
    for alg in ["none", "None", "NONE", "nOnE", "noNe", "", "null", " none", "none\\u0000"] {
        let header = format!(r#"{{"alg":"{alg}","typ":"JWT"}}"#);
        let signed = Minter::hs256().mint(&header, claims(&[]));
        assert_outcome(&strict(), &signed, UNKNOWN_KEY, &signed);
        let (unsigned, _) = signed.rsplit_once('.').unwrap();
        assert_outcome(&strict(), &format!("{unsigned}."), UNKNOWN_KEY, &header);
        assert_outcome(&strict(), unsigned, MALFORMED, &header);
    }
}

#[test]
fn requires_the_algorithm_of_the_key() {
    for alg in ["hs256", "Hs256", "HS256 ", " HS256", "HS-256", "HS384", "HS512", "RS256", "HS2560"]
    {
        let header = format!(r#"{{"alg":"{alg}"}}"#);
        assert_headers(&strict(), &[(&header, UNKNOWN_KEY)]);
    }
    // The signature matches the header and uses the same secret.
    for algorithm in [Algorithm::HS384, Algorithm::HS512] {
        let token = Minter::new(algorithm, keys::SECRET).token(claims(&[]));
        assert_outcome(&strict(), &token, UNKNOWN_KEY, algorithm.as_str());
        // The header names the algorithm of the key.
        let header = r#"{"alg":"HS256","typ":"JWT"}"#;
        let token = Minter::new(algorithm, keys::SECRET).mint(header, claims(&[]));
        assert_outcome(&strict(), &token, INVALID_SIGNATURE, algorithm.as_str());
    }
}

#[test]
fn rejects_other_algorithms_of_the_same_rsa_key() {
    use Algorithm::{PS256, PS384, PS512, RS256, RS384, RS512};

    let all = [RS256, RS384, RS512, PS256, PS384, PS512];
    for configured in all {
        let key = VerifyingKey::from_pem(configured, keys::RSA_PUBLIC).unwrap();
        let verifier = Verifier::builder(key).clock(clock()).build().unwrap();
        for signer in all {
            let minter = Minter::new(signer, keys::RSA.as_bytes());
            let expected = if signer == configured { Ok(()) } else { UNKNOWN_KEY };
            assert_outcome(&verifier, &minter.token(claims(&[])), expected, signer.as_str());

            let header = format!(r#"{{"alg":"{configured}"}}"#);
            let expected = if signer == configured { Ok(()) } else { INVALID_SIGNATURE };
            let token = minter.mint(header, claims(&[]));
            assert_outcome(&verifier, &token, expected, signer.as_str());
        }
    }
}

/// Algorithm confusion: the attacker uses the public key as an HMAC secret.
#[test]
fn rejects_a_public_key_used_as_a_secret() {
    for (algorithm, pem) in [
        (Algorithm::RS256, keys::RSA_PUBLIC),
        (Algorithm::PS256, keys::RSA_PUBLIC),
        (Algorithm::ES256, keys::P256_PUBLIC),
        (Algorithm::ES384, keys::P384_PUBLIC),
        (Algorithm::EdDSA, keys::ED25519_PUBLIC),
    ] {
        let key = VerifyingKey::from_pem(algorithm, pem).unwrap();
        let thumbprint = key.kid().unwrap().to_owned();
        let verifier = Verifier::builder(key).clock(clock()).build().unwrap();
        let der = keys::der(pem);
        let raw = &der[der.len() - 32..];
        for secret in [pem.as_bytes(), pem.trim().as_bytes(), &der, raw] {
            for hmac in [Algorithm::HS256, Algorithm::HS384, Algorithm::HS512] {
                let minter = Minter::new(hmac, secret);
                assert_outcome(&verifier, &minter.token(claims(&[])), UNKNOWN_KEY, pem);
                for kid in ["", &format!(r#","kid":"{thumbprint}""#)] {
                    let header = format!(r#"{{"alg":"{algorithm}"{kid}}}"#);
                    let forged = minter.mint(header, claims(&[]));
                    assert_outcome(&verifier, &forged, INVALID_SIGNATURE, pem);
                }
            }
        }
    }
}

#[test]
fn rejects_an_alg_other_than_a_string() {
    for header in [
        r#"{"typ":"JWT"}"#,
        "{}",
        r#"{"alg":null}"#,
        r#"{"alg":256}"#,
        r#"{"alg":true}"#,
        r#"{"alg":["HS256"]}"#,
        r#"{"alg":{"HS256":null}}"#,
        r#"{"alg":{"HS256":{}}}"#,
        r#"{"alg":{"$serde_json::private::RawValue":"\"HS256\""}}"#,
        r#"{"Alg":"HS256"}"#,
    ] {
        assert_headers(&strict(), &[(header, MALFORMED)]);
    }
}

/// RFC 7515 section 4.1.11, RFC 7797 and RFC 7516: these members change what is signed or what must
/// be understood.
#[test]
fn rejects_members_that_must_be_understood() {
    for name in ["crit", "b64", "zip", "enc", r"\u0063rit", r"b\u00364", r"zi\u0070", r"\u0065nc"] {
        for value in [
            "null",
            "true",
            "false",
            "[]",
            r#"["exp"]"#,
            r#"["b64"]"#,
            r#"["urn:example:x"]"#,
            r#""DEF""#,
            r#""A128GCM""#,
            "{}",
            "0",
        ] {
            for header in [
                format!(r#"{{"alg":"HS256","{name}":{value}}}"#),
                format!(r#"{{"{name}":{value},"alg":"HS256","typ":"JWT"}}"#),
            ] {
                assert_headers(&strict(), &[(&header, MALFORMED)]);
            }
        }
    }
    // Similar names are ignored.
    assert_headers(&strict(), &[(r#"{"alg":"HS256","Crit":[],"cri":1}"#, Ok(()))]);
}

/// A token must not supply the key that verifies it.
#[test]
fn ignores_keys_in_the_header() {
    let foreign = keys::LONG_SECRET;
    let members = [
        format!(r#""jwk":{{"kty":"oct","k":"{}","alg":"HS256"}}"#, encode(foreign)),
        format!(r#""jwk":{}"#, keys::RFC_RSA),
        r#""jku":"https://attacker.example/jwks.json""#.to_owned(),
        r#""jku":"http://127.0.0.1:1/jwks.json""#.to_owned(),
        r#""x5u":"https://attacker.example/cert.pem""#.to_owned(),
        r#""x5c":["MIIB"]"#.to_owned(),
        r#""x5t":"AAAA","x5t#S256":"AAAA""#.to_owned(),
        // They are not read, so their type does not matter.
        r#""jwk":null,"jku":7,"x5u":[],"x5c":{},"x5t":false"#.to_owned(),
    ];
    for member in members {
        let header = format!(r#"{{"alg":"HS256",{member}}}"#);
        assert_headers(&strict(), &[(&header, Ok(()))]);
        let forged = Minter::new(Algorithm::HS256, foreign).mint(&header, claims(&[]));
        assert_outcome(&strict(), &forged, INVALID_SIGNATURE, &header);
    }
}

#[test]
fn kid_is_a_string_of_at_most_256_bytes() {
    for kid in ["null", "1", "true", "[]", r#"["a"]"#, "{}", r#"{"a":"b"}"#, "1e999"] {
        assert_headers(&strict(), &[(&format!(r#"{{"alg":"HS256","kid":{kid}}}"#), MALFORMED)]);
    }
    let rows = [
        (String::new(), Ok(())),
        ("k".repeat(256), Ok(())),
        ("k".repeat(257), MALFORMED),
        ("é".repeat(128), Ok(())),
        ("é".repeat(129), MALFORMED),
        (r"\u006b".repeat(256), Ok(())),
        (r"\u006b".repeat(257), MALFORMED),
        // A `kid` is only compared in memory.
        ("../../../../dev/null".to_owned(), Ok(())),
        ("' OR 1=1 --".to_owned(), Ok(())),
        ("| sleep 10".to_owned(), Ok(())),
        (r"\u0000\u001b[31m\n".to_owned(), Ok(())),
    ];
    for (kid, expected) in rows {
        assert_headers(&strict(), &[(&format!(r#"{{"alg":"HS256","kid":"{kid}"}}"#), expected)]);
    }
    // The key above has no chosen id, so it accepts any `kid`. A key with a chosen id does not.
    let key = VerifyingKey::from_secret(Algorithm::HS256, keys::SECRET).unwrap();
    let named = Verifier::builder(key.with_kid("k").unwrap()).clock(clock()).build().unwrap();
    for kid in ["../k", "k\\u0000", "K", "k'", "*", "%6b"] {
        let header = format!(r#"{{"alg":"HS256","kid":"{kid}"}}"#);
        assert_headers(&named, &[(&header, UNKNOWN_KEY)]);
    }
}

#[test]
fn rejects_duplicate_members() {
    for header in [
        r#"{"alg":"HS256","alg":"HS256"}"#,
        r#"{"alg":"none","alg":"HS256"}"#,
        r#"{"alg":"HS256","alg":"none"}"#,
        r#"{"alg":"HS256","\u0061lg":"HS256"}"#,
        r#"{"\u0061\u006c\u0067":"HS256","alg":"HS256"}"#,
        r#"{"\u0061lg":"HS256","a\u006cg":"HS256"}"#,
        r#"{"alg":"HS256","kid":"a","kid":"a"}"#,
        r#"{"alg":"HS256","kid":"a","ki\u0064":"b"}"#,
        r#"{"alg":"HS256","typ":"JWT","typ":"JWT"}"#,
        r#"{"alg":"HS256","x":1,"x":2}"#,
        r#"{"alg":"HS256","é":1,"\u00e9":2}"#,
        r#"{"alg":"HS256","/":1,"\/":2}"#,
    ] {
        assert_headers(&strict(), &[(header, MALFORMED)]);
    }
    // The value of an unknown member is skipped, so duplicates in it do not matter.
    assert_headers(&strict(), &[(r#"{"alg":"HS256","x":{"alg":1,"alg":2}}"#, Ok(()))]);
}

#[test]
fn rejects_headers_other_than_one_json_object_in_utf8() {
    let invalid: [&[u8]; 21] = [
        b"",
        b" ",
        b"null",
        b"true",
        b"1",
        br#""HS256""#,
        br#"["HS256"]"#,
        br#"["HS256","JWT",null]"#,
        br#"[{"alg":"HS256"}]"#,
        b"{",
        br#"{"alg":"HS256""#,
        br#"{"alg":"HS256",}"#,
        br#"{alg:"HS256"}"#,
        br#"{'alg':'HS256'}"#,
        br#"{"alg":"HS256"}{}"#,
        br#"{"alg":"HS256"} x"#,
        b"{\"alg\":\"HS256\"}\0",
        br#"{"alg":"HS256","x":NaN}"#,
        br#"{"alg":"HS256"/*,*/}"#,
        b"\xef\xbb\xbf{\"alg\":\"HS256\"}",
        br#"{"alg":"HS256","\ud800":1}"#,
    ];
    for header in invalid {
        let what = String::from_utf8_lossy(header).into_owned();
        let token = Minter::hs256().mint(header, claims(&[]));
        assert_outcome(&strict(), &token, MALFORMED, &what);
    }
    for invalid in [
        &b"{\"alg\":\"HS256\",\"kid\":\"\xff\"}"[..],
        b"{\"alg\":\"HS256\",\"x\xff\":1}",
        // RFC 7515 section 5.2: all of it must be UTF-8, including members that are skipped.
        b"{\"alg\":\"HS256\",\"x\":\"\xff\"}",
        b"{\"alg\":\"HS256\",\"x\":\"\xc0\xaf\"}",
        b"{\"alg\":\"HS256\",\"x\":[\"\xed\xa0\x80\"]}",
        "{\"alg\":\"HS256\"}"
            .encode_utf16()
            .flat_map(u16::to_le_bytes)
            .collect::<Vec<_>>()
            .as_slice(),
    ] {
        let token = Minter::hs256().mint(invalid, claims(&[]));
        assert_outcome(&strict(), &token, MALFORMED, &format!("{invalid:?}"));
    }
    assert_headers(&strict(), &[(r#"{"alg":"HS256","typ":"JWT"}"#, Ok(()))]);
}

#[test]
fn rejects_headers_with_too_many_members() {
    let header = |count: usize| {
        let members: String = (0..count).map(|n| format!(r#","m{n}":{n}"#)).collect();
        format!(r#"{{"alg":"HS256"{members}}}"#)
    };
    assert_headers(&strict(), &[(&header(200), Ok(())), (&header(400), MALFORMED)]);
}

#[test]
fn typ_is_a_string_and_must_match_if_configured() {
    for typ in ["null", "1", "[]", r#"["JWT"]"#, "{}"] {
        let header = format!(r#"{{"alg":"HS256","typ":{typ}}}"#);
        assert_headers(&strict(), &[(&header, MALFORMED)]);
    }
    let accepts = |expected: &'static str, rows: &[(&str, Outcome)]| {
        let verifier: Verifier = builder().header_typ(expected).build().unwrap();
        for (typ, outcome) in rows {
            let header = format!(r#"{{"alg":"HS256","typ":"{typ}"}}"#);
            assert_headers(&verifier, &[(&header, *outcome)]);
        }
        assert_headers(&verifier, &[(r#"{"alg":"HS256"}"#, WRONG_TYPE)]);
    };
    let rows = [
        ("at+jwt", Ok(())),
        ("AT+JWT", Ok(())),
        ("application/at+jwt", Ok(())),
        ("Application/At+Jwt", Ok(())),
        (r"application\/at+jwt", Ok(())),
        ("JWT", WRONG_TYPE),
        ("", WRONG_TYPE),
        ("at+jwt ", WRONG_TYPE),
        ("at", WRONG_TYPE),
        ("application/", WRONG_TYPE),
        ("application/application/at+jwt", WRONG_TYPE),
        ("text/at+jwt", WRONG_TYPE),
        ("at+jwt; charset=utf-8", WRONG_TYPE),
    ];
    accepts("at+jwt", &rows);
    accepts("application/at+jwt", &rows);
    accepts("JWT", &[("JWT", Ok(())), ("jwt", Ok(())), ("at+jwt", WRONG_TYPE)]);
    // The end of the prefix would be inside the multi-byte character.
    accepts("at+jwt", &[("applicationé/at+jwt", WRONG_TYPE), ("éééééé", WRONG_TYPE)]);
}
