//! The details of errors: the member, the rule and the setting, and never a value.

use std::{error::Error, time::Duration};

use serde::{Deserialize, de::DeserializeOwned};
use tower_jwt_auth::{
    Algorithm, AuthError, AuthErrorKind as Kind, KeySet, Verifier, VerifyingKey,
    token::{TokenProfile, TokenType},
};

use crate::support::{
    keys,
    mint::{Minter, claims, clock},
};

use super::{builder, strict};

fn reject(verifier: &Verifier, token: &str) -> AuthError {
    verifier.verify(token).unwrap_err()
}

fn token(changes: &[(&str, &str)]) -> String {
    Minter::hs256().token(claims(changes))
}

fn plain() -> Verifier {
    builder().profile(TokenProfile::Plain).audience("api").build().unwrap()
}

fn as_subject<'a>(changes: &[(&'a str, &'a str)]) -> String {
    let others = [("token_type", ""), ("user_id", ""), ("sub", r#""42""#), ("aud", r#""api""#)];
    token(&[&others[..], changes].concat())
}

type Row<'a> = (Kind, Option<&'a str>, Option<&'a str>, Option<&'a str>);

#[track_caller]
fn assert_details(error: &AuthError, (kind, member, rule, setting): Row<'_>) {
    assert_eq!(error.kind(), kind, "{error}");
    assert_eq!(error.member(), member, "{error}");
    assert_eq!(error.rule(), rule, "{error}");
    assert_eq!(error.setting(), setting, "{error}");
}

#[test]
fn names_the_member_the_rule_and_the_setting() {
    let audience = builder().audiences(["api", "web"]).build().unwrap();
    let types = builder().token_types([TokenType::Access, TokenType::Sliding]).build().unwrap();
    let lifetime = builder().longest_lifetime(Duration::from_secs(60)).build().unwrap();
    let typ = builder().header_typ("at+jwt").build().unwrap();
    let issuer = builder().issuer("https://login.example").build().unwrap();
    let claim = builder().require_claim("tenant").build().unwrap();
    let checks = builder().check(|_| true).check(|_| false).build().unwrap();
    let date = "expected a number of seconds from 1970 to 9999";
    let rows = [
        (strict(), token(&[("exp", "1")]), (Kind::Expired, "exp", "not in the past", "leeway")),
        (
            strict(),
            token(&[("nbf", "1800000000")]),
            (Kind::NotYetValid, "nbf", "not in the future", "clock_skew"),
        ),
        (
            strict(),
            token(&[("iat", "1800000000")]),
            (Kind::NotYetValid, "iat", "not in the future", "clock_skew"),
        ),
        (
            audience,
            token(&[("aud", r#"["mobile"]"#)]),
            (Kind::WrongAudience, "aud", "expected one of api, web", "audience"),
        ),
        (
            issuer,
            token(&[("iss", r#""https://evil.example""#)]),
            (Kind::WrongIssuer, "iss", "expected https://login.example", "issuer"),
        ),
        (
            types,
            token(&[("token_type", r#""refresh""#)]),
            (Kind::WrongTokenType, "token_type", "expected one of access, sliding", "token_types"),
        ),
        (typ, token(&[]), (Kind::WrongTokenType, "typ", "expected at+jwt", "header_typ")),
        (
            plain(),
            as_subject(&[("nonce", r#""n""#)]),
            (Kind::WrongTokenType, "nonce", "expected an access token", "profile"),
        ),
        (
            plain(),
            as_subject(&[("token_use", r#""id""#)]),
            (Kind::WrongTokenType, "token_use", "expected an access token", "profile"),
        ),
        (
            lifetime,
            token(&[]),
            (Kind::InvalidClaims, "exp", "at most 60 seconds after iat", "longest_lifetime"),
        ),
        (strict(), token(&[("jti", "")]), (Kind::InvalidClaims, "jti", "required", "optional_jti")),
        (
            strict(),
            token(&[("user_id", "")]),
            (Kind::InvalidClaims, "user_id", "required", "optional_user_id"),
        ),
        (strict(), token(&[("exp", "")]), (Kind::InvalidClaims, "exp", "required", "")),
        (claim, token(&[]), (Kind::InvalidClaims, "tenant", "required", "")),
        (strict(), token(&[("exp", r#""1""#)]), (Kind::InvalidClaims, "exp", date, "")),
        (strict(), token(&[("nbf", "{}")]), (Kind::InvalidClaims, "nbf", date, "")),
        (strict(), token(&[("jti", "7")]), (Kind::InvalidClaims, "jti", "expected an id", "")),
        (strict(), token(&[("cnf", "{}")]), (Kind::InvalidClaims, "cnf", "not bound to a key", "")),
        (
            strict(),
            token(&[("jti", r#""a","jti":"b""#)]),
            (Kind::InvalidClaims, "jti", "at most 256 members, and no duplicates", ""),
        ),
        (checks, token(&[]), (Kind::CheckFailed, "", "check number 2", "check")),
    ];
    let some = |string: &'static str| Some(string).filter(|string| !string.is_empty());
    for (verifier, token, (kind, member, rule, setting)) in rows {
        let error = reject(&verifier, &token);
        assert_details(&error, (kind, some(member), some(rule), some(setting)));
    }
}

#[test]
fn names_invalid_header_members() {
    for (header, member, rule) in [
        (r#"{"alg":"HS256","crit":["exp"]}"#, "crit", "not supported"),
        (r#"{"alg":"HS256","b64":false}"#, "b64", "not supported"),
        (r#"{"alg":7}"#, "alg", "expected a string"),
        (r#"{"typ":"JWT"}"#, "alg", "required"),
        (r#"{"alg":"HS256","kid":1}"#, "kid", "expected a string"),
        (r#"{"alg":"HS256","alg":"HS256"}"#, "alg", "no duplicates"),
    ] {
        let error = reject(&strict(), &Minter::hs256().mint(header, claims(&[])));
        assert_details(&error, (Kind::Malformed, Some(member), Some(rule), None));
    }
    let long = format!(r#"{{"alg":"HS256","kid":"{}"}}"#, "k".repeat(257));
    let error = reject(&strict(), &Minter::hs256().mint(long, claims(&[])));
    assert_details(&error, (Kind::Malformed, Some("kid"), Some("at most 256 bytes"), None));
    // The names of other members are the token's own.
    let header = r#"{"alg":"HS256","secret-name":1,"secret-name":1}"#;
    let error = reject(&strict(), &Minter::hs256().mint(header, claims(&[])));
    assert_details(&error, (Kind::Malformed, None, None, None));
}

#[test]
fn too_long_tokens_have_a_kind_of_their_own() {
    // A token of Microsoft Entra ID that lists 157 groups.
    let groups = vec![r#""5b0a2e0c-7d37-4c6f-9a53-0e9b1c7f0d11""#; 157].join(",");
    let token = token(&[("groups", &format!("[{groups}]"))]);
    assert!(token.len() > 8192, "{}", token.len());
    let error = reject(&strict(), &token);
    assert_details(
        &error,
        (Kind::TooLong, None, Some("not longer than the maximum"), Some("max_token_len")),
    );
    assert_eq!(error.to_string(), "the token is too long");
    assert_eq!(error.kind().code(), Kind::Malformed.code());
    assert_eq!(error.kind().detail(), Kind::Malformed.detail());
    let roomy: Verifier = builder().max_token_len(10_000).build().unwrap();
    assert!(roomy.verify(&token).is_ok());
}

#[test]
fn names_both_issuers_that_differ_by_a_trailing_slash() {
    let (with, without) = ("https://x.auth0.example/", "https://x.auth0.example");
    for (configured, found) in [(with, without), (without, with)] {
        let expected =
            format!("expected {configured}, found {found}, which differs only by a trailing slash");
        let one = || builder().issuer(configured).build().unwrap();
        let other = builder().issuer("https://other.example").build().unwrap();
        let several = Verifier::by_issuer([other, one()]).unwrap();
        for verifier in [one(), several] {
            let error = reject(&verifier, &token(&[("iss", &format!("{found:?}"))]));
            let row = (Kind::WrongIssuer, Some("iss"), Some(&*expected), Some("issuer"));
            assert_details(&error, row);
        }
        for other in ["https://x.auth0.example//", "https://x.auth0.example/b", "", "/"] {
            let error = reject(&one(), &token(&[("iss", &format!("{other:?}"))]));
            assert_eq!(error.rule(), Some(&*format!("expected {configured}")));
        }
    }
}

#[test]
fn names_the_key_id_and_the_number_of_keys() {
    let key = |kid: &str| {
        VerifyingKey::from_secret(Algorithm::HS256, keys::SECRET).unwrap().with_kid(kid).unwrap()
    };
    let set = KeySet::builder().verifying_key(key("a")).verifying_key(key("b")).build().unwrap();
    let verifier: Verifier = Verifier::builder(set).clock(clock()).build().unwrap();
    let reject_kid = |kid: &str| {
        let header = format!(r#"{{"alg":"HS256","kid":{}}}"#, serde_json::json!(kid));
        reject(&verifier, &Minter::hs256().mint(header, claims(&[])))
    };
    let error = reject_kid("c");
    let rule = Some("expected the id of a trusted key");
    assert_details(&error, (Kind::UnknownKey, Some("kid"), rule, None));
    assert_eq!((error.kid(), error.key_count()), (Some("c"), Some(2)));

    // Anybody can write any key id.
    assert_eq!(reject_kid("x\n\"\u{1b}é").kid(), Some("x\\n\\\"\\u{1b}\\u{e9}"));
    assert_eq!(reject_kid(&"k".repeat(65)).kid(), Some(&*("k".repeat(64) + "…")));

    let header = r#"{"alg":"none","kid":"a"}"#;
    let error = reject(&verifier, &Minter::hs256().mint(header, claims(&[])));
    let rule = Some("expected the algorithm of a trusted key");
    assert_details(&error, (Kind::UnknownKey, Some("alg"), rule, None));
    assert_eq!((error.kid(), error.key_count()), (Some("a"), Some(2)));
}

#[test]
fn messages_name_member_and_rule_but_no_value() {
    let verifier: Verifier = builder().audience("api").issuer("https://a.example").build().unwrap();
    let secret = "value-of-the-token";
    let header = |name: &str| format!(r#"{{"alg":"HS256","{name}":"{secret}"}}"#);
    let mut tokens: Vec<_> = [
        "aud",
        "iss",
        "jti",
        "sub",
        "exp",
        "iat",
        "nbf",
        "user_id",
        "token_type",
        "cnf",
        "scope",
        "auth_time",
        "sid",
        "x",
    ]
    .iter()
    .map(|name| token(&[(name, &format!(r#"{{"{secret}":"{secret}"}}"#))]))
    .collect();
    tokens.push(token(&[("aud", r#""api""#), ("iss", &format!("{secret:?}"))]));
    tokens.push(token(&[(secret, "1"), (secret, "2")]));
    for name in ["typ", "crit", "enc"] {
        tokens.push(Minter::hs256().mint(header(name), claims(&[])));
    }
    for token in tokens {
        let error = reject(&verifier, &token);
        let mut shown = format!("{error} {error:?} {:?} {:?}", error.rule(), error.member());
        let mut source = error.source();
        while let Some(error) = source {
            shown += &format!(" {error} {error:?}");
            source = error.source();
        }
        assert!(!shown.contains(secret), "{shown}");
    }
    let error = reject(&verifier, &token(&[("iss", r#""https://a.example""#)]));
    let expected = "the token is intended for another audience (aud: expected api)";
    assert_eq!(error.to_string(), expected);
}

#[test]
fn names_the_member_that_the_claims_type_rejects() {
    #[derive(Debug, Deserialize)]
    struct Team {
        #[serde(rename = "team_id")]
        _id: u32,
    }
    #[derive(Debug, Deserialize)]
    struct Member {
        #[serde(rename = "tenant")]
        _tenant: String,
        #[serde(rename = "team")]
        _team: Option<Team>,
    }
    #[derive(Debug, Deserialize)]
    struct Flat {
        #[serde(flatten)]
        _member: Member,
    }
    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Closed {}

    fn reject<C: DeserializeOwned + std::fmt::Debug>(changes: &[(&str, &str)]) -> AuthError {
        let verifier: Verifier<C> = builder().build().unwrap();
        verifier.verify(&token(changes)).unwrap_err()
    }
    let tenant = ("tenant", r#""acme""#);
    let missing = Some("required by the application's claims");
    let other = Some("expected the type that the application's claims have");
    for (error, member, rule) in [
        (reject::<Member>(&[]), Some("tenant"), missing),
        (reject::<Member>(&[("tenant", r#"{"value":"acme"}"#)]), Some("tenant"), other),
        (reject::<Member>(&[tenant, ("team", r#"{"team_id":"acme"}"#)]), Some("team"), other),
        (reject::<Member>(&[tenant, ("team", "{}")]), Some("team"), other),
        (reject::<Flat>(&[]), Some("tenant"), missing),
        (reject::<Option<Member>>(&[]), Some("tenant"), missing),
        (reject::<Closed>(&[]), Some("token_type"), other),
        (reject::<String>(&[]), None, Some("expected the application's claims")),
    ] {
        assert_details(&error, (Kind::InvalidClaims, member, rule, Some("claims")));
        assert!(!format!("{error} {error:?}").contains("acme"), "{error:?}");
    }
}
