//! The application's own claims and checks, and malleable signatures.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use serde::{
    Deserialize, Deserializer,
    de::{IgnoredAny, MapAccess, Visitor},
};
use serde_json::{Value, value::RawValue};
use tower_jwt_auth::{
    Algorithm, AuthError, AuthErrorKind, Claims, Verifier, VerifyingKey, token::NoClaims,
};

use super::{assert_outcome, builder, strict};
use crate::support::{
    keys,
    mint::{Minter, claims, clock, encode},
};

#[derive(Debug, Deserialize)]
struct Profile {
    username: String,
    #[serde(default)]
    is_admin: bool,
    /// A registered claim may also be an application claim.
    exp: u64,
}

fn verify(changes: &[(&str, &str)]) -> Result<Claims<Profile>, AuthErrorKind> {
    let verifier: Verifier<Profile> = builder().build().unwrap();
    verifier.verify(&Minter::hs256().token(claims(changes))).map_err(|error| error.kind())
}

#[test]
fn deserializes_application_claims() {
    let claims =
        verify(&[("username", r#""ada""#), ("is_admin", "true"), ("more", "[1]")]).unwrap();
    assert_eq!(claims.username, "ada");
    assert!(claims.is_admin);
    assert_eq!(claims.exp, claims.expires_at().as_secs());
    assert_eq!(claims.user_id(), "42");
    let debug = format!("{claims:?}");
    assert!(!debug.contains("ada") && !debug.contains("42"), "{debug}");
}

#[test]
fn rejects_application_claims_of_a_wrong_type() {
    for changes in [
        &[][..],
        &[("username", "null")],
        &[("username", "7")],
        &[("username", r#"["ada"]"#)],
        &[("username", r#""ada""#), ("is_admin", "null")],
        &[("username", r#""ada""#), ("is_admin", r#""true""#)],
        &[("username", r#""ada""#), ("is_admin", "1")],
    ] {
        assert_eq!(verify(changes).unwrap_err(), AuthErrorKind::InvalidClaims, "{changes:?}");
    }
}

#[test]
fn accepts_every_claims_type_that_deserializes_from_an_object() {
    let token = Minter::hs256().token(claims(&[("team", r#"{"id":1}"#)]));
    let value: Verifier<Value> = builder().build().unwrap();
    assert_eq!(value.verify(&token).unwrap()["team"]["id"], 1);
    let nothing: Verifier<NoClaims> = builder().build().unwrap();
    assert!(nothing.verify(&token).is_ok());
    let optional: Verifier<Option<Value>> = builder().build().unwrap();
    assert!(optional.verify(&token).unwrap().is_some());
}

/// A claims type that ignores errors.
#[derive(Debug)]
struct IgnoresErrors;

impl<'de> Deserialize<'de> for IgnoresErrors {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct IgnoringVisitor;

        impl<'de> Visitor<'de> for IgnoringVisitor {
            type Value = IgnoresErrors;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("anything")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<IgnoresErrors, A::Error> {
                while let Ok(Some(_)) = map.next_entry::<String, IgnoredAny>() {}
                Ok(IgnoresErrors)
            }
        }

        deserializer.deserialize_map(IgnoringVisitor)
    }
}

#[test]
fn rejects_invalid_claims_if_the_claims_type_ignores_errors() {
    let verifier: Verifier<IgnoresErrors> = builder().build().unwrap();
    let rows = [
        ("nbf", "1600000000", None),
        ("nbf", r#""never""#, Some(AuthErrorKind::InvalidClaims)),
        ("jti", "true", Some(AuthErrorKind::InvalidClaims)),
        ("exp", "1600000000", Some(AuthErrorKind::Expired)),
    ];
    for (name, value, expected) in rows {
        let token = Minter::hs256().token(claims(&[(name, value)]));
        let kind = verifier.verify(&token).err().map(|error| error.kind());
        assert_eq!(kind, expected, "{name}: {value}");
    }
}

/// A claims type that ignores its own errors.
#[derive(Debug)]
struct Lax<T>(Option<T>);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Lax<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Self(T::deserialize(deserializer).ok()))
    }
}

#[test]
fn rejects_malformed_json_if_the_claims_type_ignores_its_errors() {
    let lax: Verifier<Lax<Profile>> = builder().build().unwrap();
    let lax_nothing: Verifier<Lax<NoClaims>> = builder().build().unwrap();
    let lax_value: Verifier<Lax<Value>> = builder().build().unwrap();
    let verify = |payload: &str| {
        let token = Minter::hs256().token(payload);
        let kind = |error: AuthError| error.kind();
        let outcomes = [
            lax.verify(&token).map(drop).map_err(kind),
            lax_nothing.verify(&token).map(drop).map_err(kind),
            lax_value.verify(&token).map(drop).map_err(kind),
        ];
        assert_eq!(outcomes, [outcomes[0]; 3], "{payload}");
        outcomes[0]
    };

    let valid = claims(&[("username", r#""ada""#)]);
    assert_eq!(verify(&valid), Ok(()));
    let token = Minter::hs256().token(&valid);
    assert_eq!(lax.verify(&token).unwrap().0.as_ref().unwrap().username, "ada");
    // A missing member is an error of the type only.
    assert_eq!(verify(&claims(&[])), Ok(()));
    assert!(lax.verify(&Minter::hs256().token(claims(&[]))).unwrap().0.is_none());

    let open = valid.strip_suffix('}').unwrap();
    for end in [
        "",
        ",",
        ",\"",
        ",\"na",
        ",\"name",
        ",\"name\"",
        ",\"name\":",
        ",\"name\":}",
        ",\"name\":1",
        ",\"name\":tru}",
        ",\"name\":nul}",
        ",\"name\":\"",
        ",\"name\":\"}",
        ",\"name\":[}",
        ",\"name\":{}",
        ",\"name\":-}",
        ",\"name\":1e}",
        ",name:1}",
        ",}",
        ",1:1}",
        "}}",
        "}x",
        "]",
    ] {
        let payload = format!("{open}{end}");
        assert_eq!(verify(&payload), Err(AuthErrorKind::Malformed), "{payload}");
    }
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Kind {
    Access,
}

/// A claims type with a registered claim that is deserialized as an enum.
#[derive(Debug, Deserialize)]
struct ClaimsWithKind {
    token_type: Kind,
}

#[test]
fn applies_every_rule_whatever_the_claims_type() {
    let with_kind: Verifier<ClaimsWithKind> =
        builder().issuer("here").audience("api").build().unwrap();
    let raw: Verifier<Box<RawValue>> = builder().issuer("here").audience("api").build().unwrap();
    let rows = [
        ("nbf", "1600000000", None),
        ("aud", r#""other""#, Some(AuthErrorKind::WrongAudience)),
        ("iss", r#""there""#, Some(AuthErrorKind::WrongIssuer)),
        ("token_type", r#""refresh""#, Some(AuthErrorKind::WrongTokenType)),
        ("nbf", "4000000000", Some(AuthErrorKind::NotYetValid)),
        ("exp", "1600000000", Some(AuthErrorKind::Expired)),
        ("jti", "7", Some(AuthErrorKind::InvalidClaims)),
    ];
    for (name, value, error) in rows {
        let expected = error.map_or(Ok(()), Err);
        let valid = [("iss", r#""here""#), ("aud", r#""api""#), ("token_type", r#""access""#)];
        let changes: Vec<_> =
            valid.into_iter().filter(|(other, _)| *other != name).chain([(name, value)]).collect();
        let token = Minter::hs256().token(claims(&changes));
        let read = with_kind.verify(&token).map(|claims| {
            let Kind::Access = claims.token_type;
        });
        assert_eq!(read.map_err(|error| error.kind()), expected, "{name}: {value}");
        let raw = raw.verify(&token).map(drop);
        assert_eq!(raw.map_err(|error| error.kind()), expected, "{name}: {value}, raw");
    }
}

#[test]
fn requires_every_check_to_pass() {
    let check = |first: bool, second: bool| {
        let verifier: Verifier =
            builder().check(move |_| first).check(move |_| second).build().unwrap();
        let outcome = verifier.verify(&Minter::hs256().token(claims(&[])));
        outcome.map(drop).map_err(|error| error.kind())
    };
    let failed = Err(AuthErrorKind::CheckFailed);
    assert_eq!(check(true, true), Ok(()));
    assert_eq!(check(true, false), failed);
    assert_eq!(check(false, true), failed);
    assert_eq!(check(false, false), failed);
}

#[test]
fn runs_checks_on_verified_claims_only() {
    let calls = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&calls);
    let verifier = builder::<NoClaims>()
        .check(move |claims| {
            count.fetch_add(1, Ordering::SeqCst);
            claims.user_id() == "42"
        })
        .build()
        .unwrap();
    let minter = Minter::hs256();
    let forger = Minter::new(Algorithm::HS256, keys::LONG_SECRET);
    for invalid in [
        forger.token(claims(&[])),
        minter.token(claims(&[("exp", "1")])),
        minter.token(claims(&[("token_type", r#""refresh""#)])),
        minter.token(claims(&[("jti", "")])),
        "garbage".to_owned(),
    ] {
        assert!(verifier.verify(&invalid).is_err());
    }
    assert_eq!(calls.load(Ordering::SeqCst), 0);
    assert!(verifier.verify(&minter.token(claims(&[]))).is_ok());
    let other = minter.token(claims(&[("user_id", "43")]));
    assert_eq!(verifier.verify(&other).unwrap_err().kind(), AuthErrorKind::CheckFailed);
    assert_eq!(calls.load(Ordering::SeqCst), 2);
}

/// If `(r, s)` is a valid ECDSA signature, so is `(r, n - s)`. Therefore tokens are identified by
/// `jti` and never by the signature.
#[test]
fn malleable_signatures_do_not_change_the_token_id() {
    /// The order of P-256.
    const N: [u8; 32] = [
        0xff, 0xff, 0xff, 0xff, 0x00, 0x00, 0x00, 0x00, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
        0xff, 0xbc, 0xe6, 0xfa, 0xad, 0xa7, 0x17, 0x9e, 0x84, 0xf3, 0xb9, 0xca, 0xc2, 0xfc, 0x63,
        0x25, 0x51,
    ];

    let key = VerifyingKey::from_pem(Algorithm::ES256, keys::P256_PUBLIC).unwrap();
    let verifier: Verifier = Verifier::builder(key).clock(clock()).build().unwrap();
    let token = Minter::new(Algorithm::ES256, keys::P256.as_bytes()).token(claims(&[]));
    let (signed, signature) = token.rsplit_once('.').unwrap();
    let mut signature = BASE64_URL_SAFE_NO_PAD.decode(signature).unwrap();
    let mut borrow = false;
    for (s, n) in signature[32..].iter_mut().zip(N).rev() {
        let (difference, under) = n.overflowing_sub(*s);
        let (difference, under_again) = difference.overflowing_sub(u8::from(borrow));
        (*s, borrow) = (difference, under || under_again);
    }
    let other = format!("{signed}.{}", encode(&signature));
    assert_ne!(token, other);

    let (one, other) = (verifier.verify(&token).unwrap(), verifier.verify(&other).unwrap());
    assert_eq!(one.jti(), other.jti());
    assert_eq!(one.json(), other.json());
}

/// RFC 7518 section 3.4 requires `r` and `s` of fixed length. Most libraries write DER.
#[test]
fn rejects_ecdsa_signatures_in_other_formats() {
    let key = VerifyingKey::from_pem(Algorithm::ES256, keys::P256_PUBLIC).unwrap();
    let verifier: Verifier = Verifier::builder(key).clock(clock()).build().unwrap();
    let minter = Minter::new(Algorithm::ES256, keys::P256.as_bytes());
    let token = minter.token(claims(&[]));
    let (signed, _) = token.rsplit_once('.').unwrap();
    let raw = minter.sign(signed.as_bytes());
    let integer = |half: &[u8]| [&[2, 33, 0], half].concat();
    let body = [integer(&raw[..32]), integer(&raw[32..])].concat();
    let der = [&[0x30, 70], body.as_slice()].concat();
    let zeros = vec![0; 64];
    for signature in [&der, &raw[..63].to_vec(), &[raw.clone(), vec![0]].concat(), &zeros, &vec![]]
    {
        let token = format!("{signed}.{}", encode(signature));
        assert_outcome(&verifier, &token, Err(AuthErrorKind::InvalidSignature), "ECDSA");
    }
    assert_outcome(&verifier, &format!("{signed}.{}", encode(&raw)), Ok(()), "raw");
}

#[test]
fn rejects_tokens_that_were_changed_or_truncated() {
    let token = Minter::hs256().token(claims(&[]));
    for at in 0..token.len() {
        assert!(strict().verify(&token[..at]).is_err(), "cut at {at}");
        for replacement in ["A", "Q", "_", "."] {
            let mut changed = token.clone();
            changed.replace_range(at..=at, replacement);
            if changed != token {
                assert!(strict().verify(&changed).is_err(), "{replacement} at {at}");
            }
        }
    }
}

#[test]
fn errors_contain_no_part_of_the_token() {
    let verifier: Verifier<Profile> = builder().build().unwrap();
    for payload in [
        claims(&[("username", r#""canary""#), ("exp", r#""canary""#)]),
        claims(&[("username", r#"{"canary":1}"#)]),
        claims(&[("canary", "1"), ("canary", "2")]),
        "canary".to_owned(),
    ] {
        let error = verifier.verify(&Minter::hs256().token(payload)).unwrap_err();
        let mut text = format!("{error} {error:?} {:?}", error.challenge("api"));
        let mut source = std::error::Error::source(&error);
        while let Some(inner) = source {
            text.push_str(&format!("{inner} {inner:?}"));
            source = inner.source();
        }
        assert!(!text.contains("canary"), "{text}");
        assert_eq!(error.required_scope(), None);
    }
}
