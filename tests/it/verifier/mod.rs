//! Invalid tokens and the error of each. The signatures are valid unless noted.

mod application;
mod cache;
mod claims;
mod config;
mod form;
mod header;
mod issuers;
mod profiles;
mod reasons;
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
const TOO_LONG: Outcome = Err(AuthErrorKind::TooLong);
const UNKNOWN_KEY: Outcome = Err(AuthErrorKind::UnknownKey);
const INVALID_SIGNATURE: Outcome = Err(AuthErrorKind::InvalidSignature);
const INVALID_CLAIMS: Outcome = Err(AuthErrorKind::InvalidClaims);
const EXPIRED: Outcome = Err(AuthErrorKind::Expired);
const NOT_YET_VALID: Outcome = Err(AuthErrorKind::NotYetValid);
const WRONG_TYPE: Outcome = Err(AuthErrorKind::WrongTokenType);
const WRONG_ISSUER: Outcome = Err(AuthErrorKind::WrongIssuer);
const WRONG_AUDIENCE: Outcome = Err(AuthErrorKind::WrongAudience);

/// Trusts the secret of [`Minter::hs256`]. The clock shows the time at which the tokens are issued.
/// Verified tokens are cached.
fn builder<C>() -> VerifierBuilder<C> {
    let key = VerifyingKey::from_secret(Algorithm::HS256, keys::SECRET).unwrap();
    Verifier::builder(key).claims().clock(clock()).cache(64 * 1024)
}

fn strict() -> Verifier {
    builder().build().unwrap()
}

/// Verifies `token` twice, because the second time it may be cached. Both outcomes must be equal.
fn outcome(verifier: &Verifier<NoClaims>, token: &str) -> Outcome {
    let verify = || verifier.verify(token).map(drop).map_err(|error| error.kind());
    let first = verify();
    assert_eq!(verify(), first, "{token}, the second time");
    first
}

#[track_caller]
fn assert_outcome(verifier: &Verifier, token: &str, expected: Outcome, what: &str) {
    assert_eq!(outcome(verifier, token), expected, "{what}");
}

/// Verifies tokens whose member `name` has each of these JSON values. An empty string omits it.
#[track_caller]
fn assert_values(verifier: &Verifier, name: &str, rows: &[(&str, Outcome)]) {
    for (value, expected) in rows {
        let token = Minter::hs256().token(claims(&[(name, value)]));
        assert_outcome(verifier, &token, *expected, &format!("{name}: {value}"));
    }
}

#[test]
fn accepts_valid_tokens() {
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

/// The encoded forms of common headers are known. All others are parsed.
#[test]
fn known_and_unknown_header_spellings_have_the_same_outcome() {
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
        let expired = minter.mint(header, claims(&[("exp", "1")]));
        assert_outcome(&strict(), &expired, EXPIRED, header);
        let forger = Minter::new(Algorithm::HS256, keys::LONG_SECRET);
        let forged = forger.mint(header, claims(&[]));
        assert_outcome(&strict(), &forged, INVALID_SIGNATURE, header);
    }
}
