//! The formats of other issuers' tokens.

use tower_jwt_auth::{
    ConfigErrorKind, Verifier,
    token::{ClaimNames, TokenProfile, TokenType, VerifierBuilder},
};

use super::{
    INVALID_CLAIMS, Outcome, WRONG_AUDIENCE, WRONG_ISSUER, WRONG_TYPE, assert_outcome, builder,
    strict,
};
use crate::support::mint::{Minter, claims};

fn of(profile: TokenProfile) -> VerifierBuilder {
    builder().issuer("https://login.example").audience("api").profile(profile)
}

/// A token of another issuer, with all claims that RFC 9068 requires.
fn foreign(typ: Option<&str>, changes: &[(&str, &str)]) -> String {
    let valid = [
        ("iss", r#""https://login.example""#),
        ("aud", r#""api""#),
        ("sub", r#""ada""#),
        ("client_id", r#""app""#),
        ("token_type", ""),
        ("user_id", ""),
    ];
    let changed = |name: &str| changes.iter().any(|(other, _)| *other == name);
    let kept = valid.into_iter().filter(|(name, _)| !changed(name));
    let typ = typ.map_or(String::new(), |typ| format!(r#","typ":"{typ}""#));
    let payload = claims(&kept.chain(changes.iter().copied()).collect::<Vec<_>>());
    Minter::hs256().mint(format!(r#"{{"alg":"HS256"{typ}}}"#), payload)
}

#[track_caller]
fn assert_changes(profile: TokenProfile, typ: &str, rows: &[(&str, &str, Outcome)]) {
    let verifier = of(profile).build().unwrap();
    for (name, value, expected) in rows {
        let token = foreign(Some(typ), &[(name, value)]);
        assert_outcome(&verifier, &token, *expected, &format!("{name}: {value}"));
    }
}

#[test]
fn accepts_access_tokens_of_rfc_9068() {
    let verifier = of(TokenProfile::Rfc9068).build().unwrap();
    let claims = verifier.verify(&foreign(Some("at+jwt"), &[("scope", r#""read""#)])).unwrap();
    assert_eq!((claims.user_id().as_str(), claims.subject()), ("ada", Some("ada")));
    assert_eq!(claims.token_type(), None);
    assert!(claims.has_scope("read"));
    for (typ, expected) in [
        (Some("AT+JWT"), Ok(())),
        (Some("application/at+jwt"), Ok(())),
        (Some("JWT"), WRONG_TYPE),
        (Some(""), WRONG_TYPE),
        (None, WRONG_TYPE),
    ] {
        assert_outcome(&verifier, &foreign(typ, &[]), expected, &format!("{typ:?}"));
    }
}

#[test]
fn rfc_9068_requires_its_claims() {
    assert_changes(
        TokenProfile::Rfc9068,
        "at+jwt",
        &[
            ("iss", "", WRONG_ISSUER),
            ("iss", r#""https://other.example""#, WRONG_ISSUER),
            ("aud", "", WRONG_AUDIENCE),
            ("aud", r#"["app"]"#, WRONG_AUDIENCE),
            ("aud", r#"["app","api"]"#, Ok(())),
            ("exp", "", INVALID_CLAIMS),
            ("iat", "", INVALID_CLAIMS),
            ("iat", r#""now""#, INVALID_CLAIMS),
            ("jti", "", INVALID_CLAIMS),
            ("jti", r#""""#, INVALID_CLAIMS),
            ("sub", "", INVALID_CLAIMS),
            ("sub", "7", INVALID_CLAIMS),
            ("sub", r#""""#, INVALID_CLAIMS),
            ("client_id", "", INVALID_CLAIMS),
            ("client_id", "7", INVALID_CLAIMS),
            ("client_id", r#""""#, INVALID_CLAIMS),
            ("cnf", "{}", INVALID_CLAIMS),
            // The type is in the header only.
            ("token_type", r#""refresh""#, Ok(())),
            ("token_type", "1", Ok(())),
        ],
    );
}

#[test]
fn plain_tokens_require_neither_type_nor_id() {
    let verifier = of(TokenProfile::Plain).build().unwrap();
    let bare = foreign(None, &[("jti", ""), ("client_id", ""), ("iat", "")]);
    let claims = verifier.verify(&bare).unwrap();
    assert_eq!((claims.user_id().as_str(), claims.jti(), claims.token_type()), ("ada", None, None));
    // Only the profile permits the missing claims.
    assert_outcome(&strict(), &bare, WRONG_TYPE, "without the profile");
    assert_changes(
        TokenProfile::Plain,
        "JWT",
        &[
            ("aud", "", WRONG_AUDIENCE),
            ("sub", "", INVALID_CLAIMS),
            ("sub", "7", INVALID_CLAIMS),
            ("exp", "", INVALID_CLAIMS),
            ("jti", r#""""#, INVALID_CLAIMS),
        ],
    );
}

#[test]
fn rejects_plain_tokens_of_another_use() {
    assert_changes(
        TokenProfile::Plain,
        "JWT",
        &[
            ("nonce", r#""n""#, WRONG_TYPE),
            ("nonce", "null", WRONG_TYPE),
            ("at_hash", r#""h""#, WRONG_TYPE),
            ("c_hash", r#""h""#, WRONG_TYPE),
            ("events", "{}", WRONG_TYPE),
            ("token_type", r#""refresh""#, WRONG_TYPE),
            ("token_type", r#""id""#, WRONG_TYPE),
            ("token_type", r#""Bearer""#, Ok(())),
            ("token_type", r#""access""#, Ok(())),
            ("token_type", "1", INVALID_CLAIMS),
            ("typ", r#""ID""#, WRONG_TYPE),
            ("typ", r#""Refresh""#, WRONG_TYPE),
            ("typ", r#""Bearer""#, Ok(())),
            ("typ", "1", INVALID_CLAIMS),
            ("token_use", r#""id""#, WRONG_TYPE),
            ("token_use", r#""access""#, Ok(())),
        ],
    );
    let verifier = of(TokenProfile::Plain).build().unwrap();
    for (typ, expected) in [
        ("jwt", Ok(())),
        ("at+jwt", Ok(())),
        ("application/at+jwt", Ok(())),
        ("logout+jwt", WRONG_TYPE),
        ("dpop+jwt", WRONG_TYPE),
        ("secevent+jwt", WRONG_TYPE),
        ("", WRONG_TYPE),
    ] {
        assert_outcome(&verifier, &foreign(Some(typ), &[]), expected, typ);
    }
    let own_typ = of(TokenProfile::Plain).header_typ("acme").build().unwrap();
    assert_outcome(&own_typ, &foreign(Some("acme"), &[]), Ok(()), "acme");
    assert_outcome(&own_typ, &foreign(Some("JWT"), &[]), WRONG_TYPE, "JWT");
    // These members have no meaning in other profiles.
    let token = Minter::hs256().token(claims(&[("nonce", r#""n""#), ("typ", "1")]));
    assert_outcome(&strict(), &token, Ok(()), "another profile");
}

#[test]
fn plain_tokens_can_have_another_user_id_claim() {
    let names = ClaimNames::default().with_user_id("oid");
    let verifier = of(TokenProfile::Plain).claim_names(names).build().unwrap();
    let claims = verifier.verify(&foreign(None, &[("oid", r#""7f""#)])).unwrap();
    assert_eq!((claims.user_id().as_str(), claims.subject()), ("7f", Some("ada")));
    let optional = of(TokenProfile::Plain).optional_user_id().build().unwrap();
    assert_outcome(&optional, &foreign(None, &[("sub", "")]), Ok(()), "without a user id");
}

#[test]
fn reads_scopes_from_both_claims() {
    let read = |changes: &[(&str, &str)]| {
        let claims = strict().verify(&Minter::hs256().token(claims(changes))).unwrap();
        claims.scopes().map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(read(&[("scp", r#""read write""#)]), ["read", "write"]);
    assert_eq!(read(&[("scp", r#"["read","write"]"#)]), ["read", "write"]);
    assert_eq!(read(&[("scope", r#"["read","write"]"#)]), ["read", "write"]);
    assert_eq!(read(&[("scope", r#""read""#), ("scp", r#"["write"]"#)]), ["read", "write"]);
    assert_eq!(read(&[("scp", r#""  ""#), ("scope", "[]")]), [""; 0]);
    for value in ["null", "1", "{}", "[1]", "[null]", "true"] {
        for name in ["scope", "scp"] {
            let token = Minter::hs256().token(claims(&[(name, value)]));
            assert_outcome(&strict(), &token, INVALID_CLAIMS, &format!("{name}: {value}"));
        }
    }
}

#[test]
fn rejects_settings_that_contradict_the_profile() {
    let conflict = ConfigErrorKind::Conflict;
    let names = || ClaimNames::default().with_user_id("sub");
    for (what, builder, kind) in [
        ("type", of(TokenProfile::Rfc9068).token_type(TokenType::Access), conflict),
        ("any type", of(TokenProfile::Rfc9068).any_token_type(), conflict),
        ("typ", of(TokenProfile::Rfc9068).header_typ("at+jwt"), conflict),
        ("names", of(TokenProfile::Rfc9068).claim_names(names()), conflict),
        ("jti", of(TokenProfile::Rfc9068).optional_jti(), conflict),
        ("user", of(TokenProfile::Rfc9068).optional_user_id(), conflict),
        ("type", of(TokenProfile::Plain).token_type(TokenType::Access), conflict),
        ("any type", of(TokenProfile::Plain).any_token_type(), conflict),
        ("jti", of(TokenProfile::Plain).optional_jti(), conflict),
        (
            "no issuer",
            builder().audience("api").profile(TokenProfile::Rfc9068),
            ConfigErrorKind::Ineffective,
        ),
        (
            "no audience",
            builder().issuer("a").profile(TokenProfile::Rfc9068),
            ConfigErrorKind::Ineffective,
        ),
        (
            "no audience",
            builder().issuer("a").profile(TokenProfile::Plain),
            ConfigErrorKind::Ineffective,
        ),
    ] {
        assert_eq!(builder.build().unwrap_err().kind(), kind, "{what}");
    }
    let simple_jwt: Result<Verifier, _> =
        of(TokenProfile::SimpleJwt).token_type(TokenType::Sliding).build();
    assert!(simple_jwt.is_ok());
}
