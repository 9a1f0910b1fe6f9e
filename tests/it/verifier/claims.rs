//! Members of the payload and their types.

use serde_json::Value;
use tower_jwt_auth::{
    AuthErrorKind, Verifier,
    token::{ClaimNames, TokenType},
};

use super::{
    INVALID_CLAIMS, MALFORMED, Outcome, WRONG_AUDIENCE, WRONG_ISSUER, WRONG_TYPE, assert_outcome,
    assert_values, builder, strict,
};
use crate::support::mint::{Minter, claims};

/// JSON values that are not strings.
const NOT_STRINGS: [(&str, Outcome); 7] = [
    ("null", INVALID_CLAIMS),
    ("true", INVALID_CLAIMS),
    ("42", INVALID_CLAIMS),
    ("4.2", INVALID_CLAIMS),
    ("[]", INVALID_CLAIMS),
    (r#"["access"]"#, INVALID_CLAIMS),
    (r#"{"access":null}"#, INVALID_CLAIMS),
];

#[track_caller]
fn assert_payloads(rows: &[(&str, Outcome)]) {
    for (payload, expected) in rows {
        assert_outcome(&strict(), &Minter::hs256().token(payload), *expected, payload);
    }
}

#[test]
fn rejects_payloads_other_than_one_json_object_in_utf8() {
    assert_payloads(&[
        ("", MALFORMED),
        (" ", MALFORMED),
        ("null", INVALID_CLAIMS),
        ("true", INVALID_CLAIMS),
        ("1", INVALID_CLAIMS),
        (r#""text""#, INVALID_CLAIMS),
        ("[]", INVALID_CLAIMS),
        ("{}", INVALID_CLAIMS),
        ("{", MALFORMED),
        ("not json", MALFORMED),
        // A derived `Deserialize` accepts an array of the fields in their order.
        (r#"["access",1700000300,1700000000,"9f1c","42"]"#, INVALID_CLAIMS),
        (r#"[{"exp":1700000300}]"#, INVALID_CLAIMS),
    ]);
    let valid = claims(&[]);
    for trailing in ["x", "{}", ",", "\0", "]", "null"] {
        assert_payloads(&[(&format!("{valid}{trailing}"), MALFORMED)]);
    }
    assert_payloads(&[
        (&format!(" \t\r\n{valid}\n "), Ok(())),
        (&format!("\u{feff}{valid}"), MALFORMED),
        (&valid.replace('"', "'"), MALFORMED),
        (&valid.replacen('}', ",}", 1), MALFORMED),
    ]);
    for invalid in [&b"\xff"[..], b"\xc0\xaf", b"\xed\xa0\x80", b"\xf5\x80\x80\x80"] {
        let (start, end) = (valid.strip_suffix('}').unwrap().as_bytes(), b"\"}".as_slice());
        for key in [&b",\"x\":\""[..], b",\"sub\":\"", b",\"user_id\":\""] {
            let payload = [start, key, invalid, end].concat();
            let token = Minter::hs256().token(&payload);
            assert_outcome(&strict(), &token, MALFORMED, &String::from_utf8_lossy(&payload));
        }
    }
}

#[test]
fn rejects_duplicate_members() {
    let names = [
        ("exp", "1700000300", r"\u0065xp"),
        ("nbf", "1700000000", r"nb\u0066"),
        ("iat", "1700000000", r"\u0069\u0061\u0074"),
        ("iss", r#""a""#, r"\u0069ss"),
        ("aud", r#""a""#, r"a\u0075d"),
        ("sub", r#""a""#, r"su\u0062"),
        ("jti", r#""9f1c""#, r"\u006Ati"),
        ("sid", r#""a""#, r"\u0073id"),
        ("scope", r#""a""#, r"\u0073cope"),
        ("user_epoch", r#""a""#, r"\u0075ser_epoch"),
        ("auth_time", "1700000000", r"auth\u005ftime"),
        ("amr", r#"["pwd"]"#, r"am\u0072"),
        ("token_type", r#""access""#, r"token\u005Ftype"),
        ("user_id", r#""42""#, r"\u0075ser_id"),
        ("is_admin", "true", r"is\u005fadmin"),
        ("", "1", ""),
    ];
    for (name, value, escaped) in names {
        let once = claims(&[(name, value)]);
        assert_payloads(&[(&once, Ok(()))]);
        // The duplicate is equal or not, escaped or not, and first or last.
        for (name, value) in [(name, value), (escaped, value), (escaped, "null"), (name, "[]")] {
            let duplicate = format!(r#""{name}":{value}"#);
            let first = once.replacen('{', &format!("{{{duplicate},"), 1);
            let last = format!("{},{duplicate}}}", once.strip_suffix('}').unwrap());
            assert_payloads(&[(&first, INVALID_CLAIMS), (&last, INVALID_CLAIMS)]);
        }
    }
}

#[test]
fn rejects_duplicates_among_many_members() {
    let many = |extra: &str| {
        let members: String = (0..100).map(|n| format!(r#""m{n}":{n},"#)).collect();
        claims(&[]).replacen('{', &format!("{{{members}{extra}"), 1)
    };
    assert_payloads(&[
        (&many(""), Ok(())),
        (&many(r#""m0":0,"#), INVALID_CLAIMS),
        (&many(r#""m99":0,"#), INVALID_CLAIMS),
        (&many(r#""\u006d50":0,"#), INVALID_CLAIMS),
        (&many(r#""\u0065xp":1700009999,"#), INVALID_CLAIMS),
    ]);
    let too_many: String = (0..400).map(|n| format!(r#""m{n}":{n},"#)).collect();
    let payload = claims(&[]).replacen('{', &format!("{{{too_many}"), 1);
    assert_payloads(&[(&payload, INVALID_CLAIMS)]);
}

#[test]
fn rejects_values_other_than_strings() {
    for name in ["iss", "sid", "jti", "token_type"] {
        assert_values(&strict(), name, &NOT_STRINGS);
    }
    let escaped = claims(&[("sub", r#""\u0061\"\\\n\ud83d\udd11""#), ("sid", r#""\u0073""#)]);
    let verified = strict().verify(&Minter::hs256().token(escaped)).unwrap();
    assert_eq!(verified.subject(), Some("a\"\\\n🔑"));
    assert_eq!(verified.session_id(), Some("s"));
}

/// ADFS writes `auth_time` as a date. No rule of the verifier uses it.
#[test]
fn accepts_unused_claims_of_any_type() {
    const ADFS: &str = r#""2020-03-14T18:52:01.180Z""#;
    let values = [ADFS, "null", "true", "-1", "1e300", "[]", r#"[1,"a"]"#, r#"{"a":[{}]}"#];
    let any: Verifier<Value> = builder().build().unwrap();
    for value in values {
        for name in ["auth_time", "amr", "aud", "sub", "user_epoch"] {
            assert_values(&strict(), name, &[(value, Ok(()))]);
            let token = Minter::hs256().token(claims(&[(name, value)]));
            let verified = any.verify(&token).unwrap();
            assert_eq!(
                (verified.auth_time(), verified.subject().map(|_| "").is_some()),
                (None, name == "sub" && value == ADFS)
            );
            // The application can read the value.
            let expected: Value = serde_json::from_str(value).unwrap();
            assert_eq!(verified[name], expected, "{name}: {value}");
        }
        let all = ["auth_time", "amr", "aud", "sub", "user_epoch"].map(|name| (name, value));
        let all = claims(&all);
        assert_outcome(&strict(), &Minter::hs256().token(all), Ok(()), value);
    }
    // Duplicates are rejected all the same.
    let twice = claims(&[("auth_time", "{}"), ("auth_time", "{}")]);
    assert_outcome(&strict(), &Minter::hs256().token(twice), INVALID_CLAIMS, "duplicate");
    // The lifetime of a session and the epoch of its user depend on these claims, and the
    // next tokens have the same `amr`.
    let refresh: Verifier = builder().token_type(TokenType::Refresh).build().unwrap();
    for name in ["auth_time", "amr", "user_epoch"] {
        let token_type = ("token_type", r#""refresh""#);
        let token = Minter::hs256().token(claims(&[token_type, (name, "{}")]));
        assert_outcome(&refresh, &token, INVALID_CLAIMS, name);
    }
    // A required claim is present, whatever its type.
    let required: Verifier = builder().require_claim("auth_time").build().unwrap();
    assert_values(&required, "auth_time", &[("{}", Ok(())), (ADFS, Ok(())), ("", INVALID_CLAIMS)]);
}

#[test]
fn requires_an_equal_issuer() {
    let verifier: Verifier = builder().issuer("https://a.example").build().unwrap();
    assert_values(&verifier, "iss", &NOT_STRINGS);
    assert_values(
        &verifier,
        "iss",
        &[
            (r#""https://a.example""#, Ok(())),
            (r#""https:\/\/a.example""#, Ok(())),
            ("", WRONG_ISSUER),
            (r#""""#, WRONG_ISSUER),
            (r#""https://a.example/""#, WRONG_ISSUER),
            (r#""https://A.example""#, WRONG_ISSUER),
            (r#""https://a.example.attacker.example""#, WRONG_ISSUER),
            (r#""https://b.example""#, WRONG_ISSUER),
            (r#"["https://a.example"]"#, INVALID_CLAIMS),
        ],
    );
    assert_values(&strict(), "iss", &[("", Ok(())), (r#""anyone""#, Ok(()))]);
}

#[test]
fn requires_a_matching_audience() {
    let verifier: Verifier = builder().audience("api").build().unwrap();
    let always_invalid = [
        ("null", INVALID_CLAIMS),
        ("1", INVALID_CLAIMS),
        ("true", INVALID_CLAIMS),
        (r#"{"api":true}"#, INVALID_CLAIMS),
        (r#"["api",1]"#, INVALID_CLAIMS),
        (r#"["api",null]"#, INVALID_CLAIMS),
        (r#"[["api"]]"#, INVALID_CLAIMS),
        (r#"[{"api":1}]"#, INVALID_CLAIMS),
    ];
    assert_values(&verifier, "aud", &always_invalid);
    assert_values(
        &verifier,
        "aud",
        &[
            (r#""api""#, Ok(())),
            (r#""\u0061pi""#, Ok(())),
            (r#"["api"]"#, Ok(())),
            (r#"["web","api"]"#, Ok(())),
            (r#"["api","api"]"#, Ok(())),
            ("", WRONG_AUDIENCE),
            ("[]", WRONG_AUDIENCE),
            (r#""""#, WRONG_AUDIENCE),
            (r#"[""]"#, WRONG_AUDIENCE),
            (r#""API""#, WRONG_AUDIENCE),
            (r#""api ""#, WRONG_AUDIENCE),
            (r#""api web""#, WRONG_AUDIENCE),
            (r#""ap""#, WRONG_AUDIENCE),
            (r#"["web","mobile"]"#, WRONG_AUDIENCE),
        ],
    );
    let several: Verifier = builder().audiences(["api", "web"]).build().unwrap();
    let rows = [(r#""api""#, Ok(())), (r#"["web"]"#, Ok(())), (r#""other""#, WRONG_AUDIENCE)];
    assert_values(&several, "aud", &rows);
    assert_values(&strict(), "aud", &[("", Ok(())), (r#"["anyone"]"#, Ok(()))]);
}

#[test]
fn rejects_tokens_of_another_type() {
    let types = [
        TokenType::Access,
        TokenType::Refresh,
        TokenType::Sliding,
        TokenType::Custom("email_verification".into()),
        TokenType::Custom("Access".into()),
        TokenType::Custom("".into()),
    ];
    for accepted in &types {
        let verifier: Verifier = builder().token_type(accepted.clone()).build().unwrap();
        for token_type in &types {
            let expected = if token_type == accepted { Ok(()) } else { WRONG_TYPE };
            let value = format!("{:?}", token_type.as_str());
            assert_values(&verifier, "token_type", &[(&value, expected)]);
        }
        assert_values(&verifier, "token_type", &[("", WRONG_TYPE)]);
        assert_values(&verifier, "token_type", &NOT_STRINGS);
    }
    let similar = ["Access", "ACCESS", "access ", " access", "acces", "access\\u0000", "аccess"];
    for similar in similar {
        assert_values(&strict(), "token_type", &[(&format!(r#""{similar}""#), WRONG_TYPE)]);
    }
    assert_values(&strict(), "token_type", &[(r#""\u0061ccess""#, Ok(()))]);

    let two: Verifier =
        builder().token_types([TokenType::Access, TokenType::Sliding]).build().unwrap();
    assert_values(
        &two,
        "token_type",
        &[(r#""access""#, Ok(())), (r#""sliding""#, Ok(())), (r#""refresh""#, WRONG_TYPE)],
    );
    let by_name = TokenType::Custom("access".into());
    assert_eq!(by_name, TokenType::Access);
    let custom: Verifier = builder().token_type(by_name).build().unwrap();
    assert_values(&custom, "token_type", &[(r#""access""#, Ok(())), (r#""refresh""#, WRONG_TYPE)]);

    let any: Verifier = builder().any_token_type().build().unwrap();
    assert_values(
        &any,
        "token_type",
        &[(r#""access""#, Ok(())), (r#""refresh""#, Ok(())), (r#""new""#, Ok(())), ("", Ok(()))],
    );
    assert_values(&any, "token_type", &NOT_STRINGS);
}

#[test]
fn jti_is_a_string_of_1_to_255_bytes() {
    let longest = format!("{:?}", "j".repeat(255));
    let too_long = format!("{:?}", "j".repeat(256));
    let too_long_in_bytes = format!("\"{}\"", "é".repeat(128));
    let too_long_escaped = format!("\"{}\"", r"\u006a".repeat(256));
    let rows = [
        (longest.as_str(), Ok(())),
        (r#""\u006a""#, Ok(())),
        (r#""""#, INVALID_CLAIMS),
        (r#""j\u0000""#, INVALID_CLAIMS),
        (&too_long, INVALID_CLAIMS),
        (&too_long_in_bytes, INVALID_CLAIMS),
        (&too_long_escaped, INVALID_CLAIMS),
    ];
    let optional: Verifier = builder().optional_jti().build().unwrap();
    for verifier in [&strict(), &optional] {
        for name in ["jti", "sid"] {
            assert_values(verifier, name, &rows);
            assert_values(verifier, name, &NOT_STRINGS);
        }
    }
    // An optional `jti` may be absent, but not invalid.
    assert_values(&strict(), "jti", &[("", INVALID_CLAIMS)]);
    assert_values(&optional, "jti", &[("", Ok(()))]);
}

#[test]
fn the_user_id_is_a_string_or_an_integer() {
    let too_long = format!("{:?}", "u".repeat(1025));
    let invalid = [
        "null",
        "true",
        "1.0",
        "1.5",
        "1e2",
        "-0.5",
        "18446744073709551616",
        "-9223372036854775809",
        "[]",
        "[42]",
        "{}",
        r#"{"id":42}"#,
        r#""""#,
        r#""4\u00002""#,
        &too_long,
    ];
    let optional: Verifier = builder().optional_user_id().build().unwrap();
    for value in invalid {
        assert_values(&strict(), "user_id", &[(value, INVALID_CLAIMS)]);
        assert_values(&optional, "user_id", &[(value, INVALID_CLAIMS)]);
    }
    assert_values(&strict(), "user_id", &[("", INVALID_CLAIMS)]);
    assert_values(&strict(), "user_id", &[("1e400", MALFORMED)]);
    for (value, expected) in [
        (r#""42""#, "42"),
        ("42", "42"),
        ("0", "0"),
        ("-7", "-7"),
        ("18446744073709551615", "18446744073709551615"),
        ("-9223372036854775808", "-9223372036854775808"),
        (r#""042""#, "042"),
        (r#""\u0034\u0032""#, "42"),
        (r#""b1946ac9-2492-4d23-a47e-1f6a0a5a3c3e""#, "b1946ac9-2492-4d23-a47e-1f6a0a5a3c3e"),
    ] {
        let token = Minter::hs256().token(claims(&[("user_id", value)]));
        assert_eq!(strict().verify(&token).unwrap().user_id(), expected, "{value}");
    }
    let without = Minter::hs256().token(claims(&[("user_id", "")]));
    assert_eq!(optional.verify(&without).unwrap().user_id(), "");
}

/// The subject of a CI job names its repository, its workflow and more.
#[test]
fn limits_the_user_id_as_configured() {
    let id = |len| format!("{:?}", "u".repeat(len));
    assert_values(&strict(), "user_id", &[(&id(351), Ok(())), (&id(1024), Ok(()))]);
    let short: Verifier = builder().max_user_id_len(255).build().unwrap();
    assert_values(&short, "user_id", &[(&id(255), Ok(())), (&id(256), INVALID_CLAIMS)]);
    let long: Verifier = builder().max_user_id_len(2000).build().unwrap();
    assert_values(&long, "user_id", &[(&id(2000), Ok(())), (&id(2001), INVALID_CLAIMS)]);
    assert!(builder::<()>().max_user_id_len(0).build().is_err());
}

/// RFC 7800: a token with `cnf` requires a proof of possession.
#[test]
fn rejects_tokens_bound_to_a_key() {
    for cnf in [r#"{"jkt":"0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I"}"#, "{}", "null", "1"] {
        assert_values(&strict(), "cnf", &[(cnf, INVALID_CLAIMS)]);
        assert_values(&strict(), r"\u0063nf", &[(cnf, INVALID_CLAIMS)]);
    }
}

#[test]
fn scopes_are_a_string_or_an_array_of_strings() {
    let rows = [
        ("null", INVALID_CLAIMS),
        ("1", INVALID_CLAIMS),
        ("{}", INVALID_CLAIMS),
        (r#"["a",1]"#, INVALID_CLAIMS),
        (r#"[["a"]]"#, INVALID_CLAIMS),
    ];
    assert_values(&strict(), "scope", &rows);
    for (value, expected) in [
        (r#""read write""#, &["read", "write"][..]),
        (r#""  read   write ""#, &["read", "write"]),
        (r#""\u0072ead write""#, &["read", "write"]),
        (r#"["read","write"]"#, &["read", "write"]),
        // A space in an array element is part of the scope.
        (r#"["read write"]"#, &["read write"]),
        (r#""""#, &[]),
        ("[]", &[]),
    ] {
        let token = Minter::hs256().token(claims(&[("scope", value)]));
        let verified = strict().verify(&token).unwrap();
        assert_eq!(verified.scopes().collect::<Vec<_>>(), expected, "{value}");
        assert_eq!(verified.has_scope("read"), expected.contains(&"read"));
        assert!(
            !verified.has_scope("rea") && !verified.has_scope("") && !verified.has_scope("READ")
        );
    }
}

/// With serde_json's feature `raw_value`, which features of this crate and other crates enable, an
/// object with the name of a private marker is read as the JSON in its value.
#[test]
fn rejects_the_private_markers_of_serde_json() {
    let any: Verifier<Value> = builder().build().unwrap();
    let markers = [
        r#"{"$serde_json::private::RawValue":"\"access\""}"#,
        r#"{"$serde_json::private::RawValue":"1700000300"}"#,
        r#"{"$serde_json::private::Number":"1700000300"}"#,
        r#"{"\u0024serde_json::private::RawValue":"1700000300"}"#,
        r#"{"$serde_json\u003A\u003aprivate::\u0052awValue":"\"42\""}"#,
    ];
    for marker in markers {
        for name in ["exp", "nbf", "iat", "iss", "aud", "sub", "jti", "user_id", "token_type"] {
            assert_values(&strict(), name, &[(marker, INVALID_CLAIMS)]);
        }
        for value in [marker, &format!("[{marker}]"), &format!(r#"{{"deep":[{{"er":{marker}}}]}}"#)]
        {
            let token = Minter::hs256().token(claims(&[("role", value)]));
            let error = any.verify(&token).unwrap_err();
            assert_eq!(error.kind(), AuthErrorKind::InvalidClaims, "{value}");
            assert_values(&strict(), "role", &[(value, INVALID_CLAIMS)]);
        }
        let first = format!("{{{},{}", &marker[1..marker.len() - 1], &claims(&[])[1..]);
        let error = any.verify(&Minter::hs256().token(&first)).unwrap_err();
        assert_eq!(error.kind(), AuthErrorKind::InvalidClaims, "{first}");
    }
    for harmless in [r#""$""#, r#""\u0024\u0041\u00e9 $2b$12$""#, r#"{"$ref":"\\u0024"}"#] {
        assert_values(&strict(), "role", &[(harmless, Ok(()))]);
    }
}

#[test]
fn rejects_tokens_without_a_required_claim() {
    let verifier: Verifier =
        builder().require_claim("tenant").require_claim("sid").build().unwrap();
    let check = |changes: &[(&str, &str)], expected: Outcome| {
        let token = Minter::hs256().token(claims(changes));
        assert_outcome(&verifier, &token, expected, &format!("{changes:?}"));
    };
    check(&[], INVALID_CLAIMS);
    check(&[("tenant", "1")], INVALID_CLAIMS);
    check(&[("sid", r#""s""#)], INVALID_CLAIMS);
    check(&[("Tenant", "1"), ("sid", r#""s""#)], INVALID_CLAIMS);
    check(&[("other", r#"{"tenant":1}"#), ("sid", r#""s""#)], INVALID_CLAIMS);
    check(&[("tenant", "1"), ("sid", r#""s""#)], Ok(()));
    check(&[(r"\u0074enant", "1"), ("sid", r#""s""#)], Ok(()));
    check(&[("tenant", "null"), ("sid", r#""s""#)], Ok(()));
}

#[test]
fn reads_renamed_claims_by_their_new_names_only() {
    let names = ClaimNames::default().with_user_id("uid").with_token_type("use").with_jti("id");
    let verifier: Verifier = builder().claim_names(names).build().unwrap();
    let renamed = [("uid", "7"), ("use", r#""access""#), ("id", r#""j""#)];
    let old = [("user_id", ""), ("token_type", ""), ("jti", "")];
    let token = Minter::hs256().token(claims(&[renamed, old].concat()));
    let verified = verifier.verify(&token).unwrap();
    assert_eq!((verified.user_id().as_str(), verified.jti()), ("7", Some("j")));

    // The old names have no meaning.
    let old = [("user_id", "null"), ("token_type", r#""refresh""#), ("jti", "[]")];
    let token = Minter::hs256().token(claims(&[renamed, old].concat()));
    assert_outcome(&verifier, &token, Ok(()), "old names with other values");
    for (name, expected) in [("uid", INVALID_CLAIMS), ("use", WRONG_TYPE), ("id", INVALID_CLAIMS)] {
        let without: Vec<_> = renamed.into_iter().filter(|(other, _)| *other != name).collect();
        let token = Minter::hs256().token(claims(&without));
        assert_outcome(&verifier, &token, expected, name);
    }
}

#[test]
fn the_user_id_can_be_the_subject() {
    let names = ClaimNames::default().with_user_id("sub");
    let verifier: Verifier = builder().claim_names(names).build().unwrap();
    let token = Minter::hs256().token(claims(&[("user_id", ""), ("sub", r#""auth0|7""#)]));
    let verified = verifier.verify(&token).unwrap();
    assert_eq!(verified.user_id(), "auth0|7");
    assert_eq!(verified.subject(), Some("auth0|7"));
    for value in ["", "null", r#""""#, "[]", "1.5"] {
        let token = Minter::hs256().token(claims(&[("sub", value)]));
        assert_outcome(&verifier, &token, INVALID_CLAIMS, value);
    }
}
