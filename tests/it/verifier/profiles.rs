//! The formats of other issuers' tokens.

use tower_jwt_auth::{
    AuthErrorKind, ConfigErrorKind, Verifier,
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
    let of_clients = |profile| builder().issuer("a").clients(["app"]).profile(profile);
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
        ("user", of(TokenProfile::IdToken).optional_user_id(), conflict),
        ("type", of(TokenProfile::IdToken).token_type(TokenType::Access), conflict),
        (
            "azp as user id",
            of(TokenProfile::Plain).clients(["a"]).claim_names(names().with_user_id("azp")),
            conflict,
        ),
        ("no clients", of(TokenProfile::Plain).clients([""; 0]), ConfigErrorKind::Ineffective),
        ("empty client", of(TokenProfile::Plain).clients([""]), ConfigErrorKind::Ineffective),
        ("no issuers", of(TokenProfile::Plain).issuers([""; 0]), ConfigErrorKind::Ineffective),
        ("clients only", of_clients(TokenProfile::Rfc9068), ConfigErrorKind::Ineffective),
        ("clients only", of_clients(TokenProfile::IdToken), ConfigErrorKind::Ineffective),
        (
            "no issuer",
            builder().audience("api").profile(TokenProfile::IdToken),
            ConfigErrorKind::Ineffective,
        ),
    ] {
        assert_eq!(builder.build().unwrap_err().kind(), kind, "{what}");
    }
    let simple_jwt: Result<Verifier, _> =
        of(TokenProfile::SimpleJwt).token_type(TokenType::Sliding).build();
    assert!(simple_jwt.is_ok());
}

/// Keycloak before version 25 writes the nonce of the login into access tokens.
#[test]
fn a_mark_of_access_tokens_permits_claims_of_id_tokens() {
    let verifier = of(TokenProfile::Plain).build().unwrap();
    let nonce = ("nonce", r#""n""#);
    for (typ, changes, expected) in [
        (Some("JWT"), &[("typ", r#""Bearer""#), nonce][..], Ok(())),
        (Some("JWT"), &[("token_use", r#""access""#), nonce], Ok(())),
        (Some("JWT"), &[("token_type", r#""Bearer""#), nonce], Ok(())),
        (Some("at+jwt"), &[nonce], WRONG_TYPE),
        (Some("JWT"), &[("typ", r#""Bearer""#), ("at_hash", r#""h""#)], Ok(())),
        (Some("JWT"), &[("typ", r#""ID""#), nonce], WRONG_TYPE),
        (Some("JWT"), &[("typ", r#""ID""#)], WRONG_TYPE),
        (Some("JWT"), &[("typ", r#""JWT""#), nonce], WRONG_TYPE),
        (None, &[nonce], WRONG_TYPE),
        (Some("JWT"), &[("at_hash", r#""h""#)], WRONG_TYPE),
        // The marks contradict each other.
        (Some("JWT"), &[("typ", r#""Bearer""#), ("token_use", r#""id""#)], WRONG_TYPE),
        (Some("at+jwt"), &[("typ", r#""ID""#)], WRONG_TYPE),
        // A logout token is no access token, whatever else it says.
        (Some("JWT"), &[("typ", r#""Bearer""#), ("events", "{}")], WRONG_TYPE),
    ] {
        assert_outcome(&verifier, &foreign(typ, changes), expected, &format!("{changes:?}"));
    }
}

/// Tokens without an audience differ from ID tokens in that: ID tokens always have one.
#[test]
fn clients_replace_the_audience_of_plain_tokens() {
    let none = ("aud", "");
    let clients = ["app", "https://app.example"];
    let builder =
        || builder().issuer("https://login.example").clients(clients).profile(TokenProfile::Plain);
    let verifier = builder().build().unwrap();
    let machine = builder().optional_user_id().build().unwrap();
    let client = |value| ("client_id", value);
    let party = |value| ("azp", value);
    for (what, changes, expected) in [
        ("Cognito", &[none, ("token_use", r#""access""#)][..], Ok(())),
        ("Cognito, ID token", &[("aud", r#""app""#), ("token_use", r#""id""#)], WRONG_AUDIENCE),
        ("Hydra", &[("aud", "[]"), ("scp", r#"["read"]"#)], Ok(())),
        ("Hydra, ID token", &[("aud", r#"["app"]"#), client("")], WRONG_AUDIENCE),
        ("Clerk", &[none, client(""), ("jti", ""), party(r#""https://app.example""#)], Ok(())),
        (
            "Clerk, another site",
            &[none, client(""), party(r#""https://x.example""#)],
            INVALID_CLAIMS,
        ),
        ("neither client_id nor azp", &[none, client("")], INVALID_CLAIMS),
        ("another client", &[none, client(r#""other""#)], INVALID_CLAIMS),
        ("both differ", &[none, client(r#""app""#), party(r#""other""#)], INVALID_CLAIMS),
        ("both differ", &[none, client(r#""other""#), party(r#""app""#)], INVALID_CLAIMS),
        ("no string", &[none, client("7")], INVALID_CLAIMS),
        ("no string", &[none, client(r#"["app"]"#)], INVALID_CLAIMS),
        ("an audience", &[("aud", r#""app""#)], WRONG_AUDIENCE),
        ("an audience", &[("aud", r#"[""]"#)], WRONG_AUDIENCE),
        ("no valid audience", &[("aud", "{}")], INVALID_CLAIMS),
    ] {
        assert_outcome(&verifier, &foreign(Some("JWT"), changes), expected, what);
    }
    let lightweight = [none, ("sub", ""), client(""), party(r#""app""#), ("typ", r#""Bearer""#)];
    assert_outcome(&machine, &foreign(Some("JWT"), &lightweight), Ok(()), "Keycloak, lightweight");
    let id_token = [none, client(""), party(r#""app""#), ("typ", r#""ID""#)];
    assert_outcome(&machine, &foreign(Some("JWT"), &id_token), WRONG_TYPE, "its ID token");

    // With an audience, both are required.
    let both = builder().audience("api").build().unwrap();
    assert_outcome(&both, &foreign(None, &[]), Ok(()), "both");
    assert_outcome(&both, &foreign(None, &[none]), WRONG_AUDIENCE, "no audience");
    assert_outcome(&both, &foreign(None, &[client("")]), INVALID_CLAIMS, "no client");
    let error = both.verify(&foreign(None, &[client(r#""x""#)])).unwrap_err();
    assert_eq!((error.member(), error.setting()), (Some("client_id"), Some("clients")));
    assert_eq!(error.rule(), Some("expected one of app, https://app.example"));
}

/// OpenID Connect Core section 3.1.3.7.
#[test]
fn accepts_id_tokens_by_the_rules_of_openid_connect() {
    let id_token = |changes: &[(&str, &str)]| {
        let others = [("client_id", ""), ("jti", ""), ("aud", r#""app""#)];
        let changed = |name: &str| changes.iter().any(|(other, _)| *other == name);
        let kept = others.into_iter().filter(|(name, _)| !changed(name));
        foreign(Some("JWT"), &kept.chain(changes.iter().copied()).collect::<Vec<_>>())
    };
    let builder =
        || builder().issuer("https://login.example").audience("app").profile(TokenProfile::IdToken);
    let verifier = builder().build().unwrap();
    for (changes, expected) in [
        (&[][..], Ok(())),
        (&[("nonce", r#""n""#), ("at_hash", r#""h""#), ("c_hash", r#""h""#)], Ok(())),
        (&[("azp", r#""app""#)], Ok(())),
        (&[("typ", r#""ID""#)], Ok(())),
        (&[("token_use", r#""id""#)], Ok(())),
        (&[("iss", r#""https://other.example""#)], WRONG_ISSUER),
        (&[("iss", "")], WRONG_ISSUER),
        (&[("aud", "")], WRONG_AUDIENCE),
        (&[("aud", r#""api""#)], WRONG_AUDIENCE),
        (&[("aud", r#"["app"]"#)], Ok(())),
        // An audience that the client does not trust.
        (&[("aud", r#"["app","api"]"#)], WRONG_AUDIENCE),
        (&[("aud", r#"["app","api"]"#), ("azp", r#""app""#)], WRONG_AUDIENCE),
        (&[("azp", r#""other""#)], INVALID_CLAIMS),
        (&[("azp", "7")], INVALID_CLAIMS),
        (&[("sub", "")], INVALID_CLAIMS),
        (&[("iat", "")], INVALID_CLAIMS),
        (&[("exp", "")], INVALID_CLAIMS),
        (&[("nonce", "7")], INVALID_CLAIMS),
        // Access tokens and logout tokens.
        (&[("typ", r#""Bearer""#)], WRONG_TYPE),
        (&[("token_use", r#""access""#)], WRONG_TYPE),
        (&[("token_type", r#""refresh""#)], WRONG_TYPE),
        (&[("events", "{}")], WRONG_TYPE),
    ] {
        assert_outcome(&verifier, &id_token(changes), expected, &format!("{changes:?}"));
    }
    for typ in ["at+jwt", "logout+jwt"] {
        let token = foreign(Some(typ), &[("aud", r#""app""#)]);
        assert_outcome(&verifier, &token, WRONG_TYPE, typ);
    }

    let two = builder().audiences(["app", "web"]).build().unwrap();
    let several = ("aud", r#"["app","web"]"#);
    assert_outcome(&two, &id_token(&[several]), INVALID_CLAIMS, "no azp");
    assert_outcome(&two, &id_token(&[several, ("azp", r#""web""#)]), Ok(()), "azp");
    assert_outcome(&two, &id_token(&[several, ("azp", r#""x""#)]), INVALID_CLAIMS, "azp");

    // A token that Google issues to an Android app for the backend of the app.
    let backend = builder().clients(["android"]).build().unwrap();
    assert_outcome(&backend, &id_token(&[("azp", r#""android""#)]), Ok(()), "android");
    assert_outcome(&backend, &id_token(&[("azp", r#""app""#)]), Ok(()), "app");
    assert_outcome(&backend, &id_token(&[("azp", r#""other""#)]), INVALID_CLAIMS, "other");
    assert_outcome(&backend, &id_token(&[]), Ok(()), "no azp");
}

#[test]
fn the_nonce_of_an_id_token_can_be_required() {
    let verifier = of(TokenProfile::IdToken).audiences(["api", "app"]).build().unwrap();
    let verify = |changes: &[(&str, &str)]| verifier.verify(&foreign(None, changes)).unwrap();
    let claims = verify(&[("nonce", r#""n-0S6_WzA2Mj""#)]);
    assert_eq!(claims.nonce(), Some("n-0S6_WzA2Mj"));
    assert!(claims.require_nonce("n-0S6_WzA2Mj").is_ok());
    for claims in [claims, verify(&[])] {
        let error = claims.require_nonce("another").unwrap_err();
        assert_eq!(error.kind(), AuthErrorKind::InvalidClaims);
        assert_eq!(error.member(), Some("nonce"));
        assert!(!error.to_string().contains("n-0S6"));
    }
}

#[test]
fn accepts_several_names_of_an_issuer() {
    let google = ["https://accounts.google.com", "accounts.google.com"];
    let verifier: Verifier =
        builder().issuers(google).audience("api").profile(TokenProfile::IdToken).build().unwrap();
    let by_issuer =
        Verifier::by_issuer([verifier.clone(), of(TokenProfile::Plain).build().unwrap()]);
    for verifier in [verifier, by_issuer.unwrap()] {
        for issuer in google {
            let token = foreign(None, &[("iss", &format!("{issuer:?}"))]);
            assert_outcome(&verifier, &token, Ok(()), issuer);
        }
        for issuer in ["http://accounts.google.com", "google.com", ""] {
            let token = foreign(None, &[("iss", &format!("{issuer:?}"))]);
            assert_outcome(&verifier, &token, WRONG_ISSUER, issuer);
        }
    }
    let other: Verifier = builder().issuers(["x", "accounts.google.com"]).build().unwrap();
    let one = builder().issuers(google).build().unwrap();
    assert!(Verifier::by_issuer([one, other]).is_err());
}
