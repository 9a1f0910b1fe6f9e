//! Hostile tokens, each rightly signed unless it says otherwise, each with the reason it gets.

mod application;
mod cache;
mod claims;
mod config;
mod form;
mod header;
mod issuers;
mod profiles;
mod times;

use tower_jwt_auth::{
    Algorithm, AuthErrorKind, Verifier, VerifyingKey,
    token::{NoClaims, VerifierBuilder},
};

use crate::support::{
    keys,
    mint::{Minter, claims, clock},
};

type Outcome = Result<(), AuthErrorKind>;

const MALFORMED: Outcome = Err(AuthErrorKind::Malformed);
const UNKNOWN_KEY: Outcome = Err(AuthErrorKind::UnknownKey);
const BAD_SIGNATURE: Outcome = Err(AuthErrorKind::InvalidSignature);
const INVALID_CLAIMS: Outcome = Err(AuthErrorKind::InvalidClaims);
const EXPIRED: Outcome = Err(AuthErrorKind::Expired);
const NOT_YET_VALID: Outcome = Err(AuthErrorKind::NotYetValid);
const WRONG_TYPE: Outcome = Err(AuthErrorKind::WrongTokenType);
const WRONG_ISSUER: Outcome = Err(AuthErrorKind::WrongIssuer);
const WRONG_AUDIENCE: Outcome = Err(AuthErrorKind::WrongAudience);

/// Trusts the secret of [`Minter::hs256`], at the moment the tokens are issued, and remembers
/// tokens.
fn builder<C>() -> VerifierBuilder<C> {
    let key = VerifyingKey::from_secret(Algorithm::HS256, keys::SECRET).unwrap();
    Verifier::builder(key).claims().clock(clock()).cache(64 * 1024)
}

fn strict() -> Verifier {
    builder().build().unwrap()
}

/// The outcome for a token that is new to `verifier`, and also once it may be remembered.
fn outcome(verifier: &Verifier<NoClaims>, token: &str) -> Outcome {
    let verify = || verifier.verify(token).map(drop).map_err(|error| error.kind());
    let first = verify();
    assert_eq!(verify(), first, "{token} again");
    first
}

#[track_caller]
fn assert_outcome(verifier: &Verifier, token: &str, expected: Outcome, what: &str) {
    assert_eq!(outcome(verifier, token), expected, "{what}");
}

/// Checks tokens whose member `name` has each of these JSON values; an empty text leaves it out.
#[track_caller]
fn assert_values(verifier: &Verifier, name: &str, rows: &[(&str, Outcome)]) {
    for (value, expected) in rows {
        let token = Minter::hs256().token(claims(&[(name, value)]));
        assert_outcome(verifier, &token, *expected, &format!("{name}: {value}"));
    }
}

#[test]
fn a_good_token_is_accepted_and_read() {
    let token = Minter::hs256().token(claims(&[]));
    let verified = strict().verify(&token).unwrap();
    assert_eq!(verified.user_id(), "42");
    assert_eq!(verified.jti(), Some("9f1c"));
    assert_eq!(verified.token_type().map(|token_type| token_type.as_str()), Some("access"));
    assert_eq!(verified.expires_at().as_secs(), 1_700_000_300);
    assert_eq!(verified.issued_at().map(|date| date.as_secs()), Some(1_700_000_000));
    assert_eq!(verified.json(), claims(&[]));
    assert_eq!(verified.session_id(), None);
    assert_eq!(verified.auth_time(), None);
    assert_eq!((verified.issuer(), verified.subject()), (None, None));
    assert_eq!(verified.scopes().count(), 0);
}

/// The headers that are known by their encoded form are read as any other.
#[test]
fn known_and_unknown_spellings_of_a_header_agree() {
    let minter = Minter::hs256();
    for header in [
        r#"{"alg":"HS256","typ":"JWT"}"#,
        r#"{"typ":"JWT","alg":"HS256"}"#,
        r#"{"alg":"HS256"}"#,
        r#"{ "alg" : "HS256" , "typ" : "JWT" }"#,
        r#"{"\u0061lg":"\u0048S256"}"#,
        "{\"typ\":\"JWT\",\r\n \"alg\":\"HS256\"}",
    ] {
        assert_outcome(&strict(), &minter.mint(header, claims(&[])), Ok(()), header);
        let refused = minter.mint(header, claims(&[("exp", "1")]));
        assert_outcome(&strict(), &refused, EXPIRED, header);
        let unsigned = Minter::new(Algorithm::HS256, keys::LONG_SECRET);
        let forged = unsigned.mint(header, claims(&[]));
        assert_outcome(&strict(), &forged, BAD_SIGNATURE, header);
    }
}
