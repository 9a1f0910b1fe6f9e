//! Errors: fixed messages with the characters that RFC 6750 section 3 allows.

use http::StatusCode;
use tower_jwt_auth::{
    Algorithm, AuthError, AuthErrorKind, Verifier, VerifyingKey,
    rejection::{JsonRejection, Rejection},
};

use crate::support::{
    keys,
    mint::{Minter, claims, clock},
};

use AuthErrorKind as Kind;

const INVALID_TOKEN: Option<&str> = Some("invalid_token");

/// Every kind with its status, its `code` and the `error` of its challenge.
const KINDS: [(AuthErrorKind, u16, &str, Option<&str>); 31] = [
    (Kind::MissingCredentials, 401, "not_authenticated", None),
    (Kind::InvalidRequest, 400, "invalid_request", Some("invalid_request")),
    (Kind::Malformed, 401, "token_invalid", INVALID_TOKEN),
    (Kind::TooLong, 401, "token_invalid", INVALID_TOKEN),
    (Kind::UnknownKey, 401, "token_invalid", INVALID_TOKEN),
    (Kind::InvalidSignature, 401, "token_invalid", INVALID_TOKEN),
    (Kind::Inactive, 401, "token_invalid", INVALID_TOKEN),
    (Kind::Expired, 401, "token_expired", INVALID_TOKEN),
    (Kind::NotYetValid, 401, "token_not_yet_valid", INVALID_TOKEN),
    (Kind::WrongTokenType, 401, "token_wrong_type", INVALID_TOKEN),
    (Kind::WrongIssuer, 401, "token_invalid", INVALID_TOKEN),
    (Kind::WrongAudience, 401, "token_invalid", INVALID_TOKEN),
    (Kind::InvalidClaims, 401, "token_invalid", INVALID_TOKEN),
    (Kind::Revoked, 401, "token_revoked", INVALID_TOKEN),
    (Kind::Reused, 401, "token_revoked", INVALID_TOKEN),
    (Kind::CheckFailed, 401, "token_invalid", INVALID_TOKEN),
    (Kind::InsufficientScope, 403, "insufficient_scope", Some("insufficient_scope")),
    (Kind::Forbidden, 403, "permission_denied", None),
    (
        Kind::InsufficientUserAuthentication,
        401,
        "insufficient_user_authentication",
        Some("insufficient_user_authentication"),
    ),
    (Kind::InvalidDpopProof, 401, "invalid_dpop_proof", Some("invalid_dpop_proof")),
    (Kind::UseDpopNonce, 401, "use_dpop_nonce", Some("use_dpop_nonce")),
    (Kind::InvalidCredentials, 401, "invalid_credentials", None),
    (Kind::AccountUnverified, 401, "account_unverified", None),
    (Kind::AccountLocked, 401, "account_locked", None),
    (Kind::PasswordExpired, 401, "password_expired", None),
    (Kind::SecondFactorRequired, 401, "second_factor_required", None),
    (Kind::InvalidCode, 401, "invalid_code", None),
    (Kind::UserInactive, 401, "user_inactive", INVALID_TOKEN),
    (Kind::Unavailable, 503, "unavailable", None),
    (Kind::Overloaded, 503, "overloaded", None),
    (Kind::Misconfigured, 500, "misconfigured", None),
];

fn challenge(error: &AuthError, realm: &str) -> String {
    error.challenge(realm).to_str().unwrap().to_owned()
}

fn missing_scope(scope: &str) -> AuthError {
    let key = VerifyingKey::from_secret(Algorithm::HS256, keys::SECRET).unwrap();
    let verifier: Verifier = Verifier::builder(key).clock(clock()).build().unwrap();
    let claims = verifier.verify(&Minter::hs256().token(claims(&[]))).unwrap();
    claims.require_scope(scope).unwrap_err()
}

#[test]
fn the_kind_determines_the_response() {
    for (kind, status, code, challenge_error) in KINDS {
        let error = AuthError::from(kind);
        assert_eq!(error.kind(), kind);
        assert_eq!(kind.status(), StatusCode::from_u16(status).unwrap());
        assert_eq!(kind.code(), code);
        assert_eq!(kind.challenge_error(), challenge_error);
        assert_eq!(error.retry_after().is_some(), status == 503, "{kind:?}");

        let message = error.to_string();
        assert!(message.starts_with(char::is_lowercase) && !message.ends_with('.'), "{message}");
        assert_ne!(message, format!("{error:?}"));
        let response: http::Response<String> = JsonRejection.reject(&error);
        let body: serde_json::Value = serde_json::from_str(response.body()).unwrap();
        assert_eq!(body, serde_json::json!({ "detail": kind.detail(), "code": code }));
        let value = challenge(&error, "api");
        let description = match kind {
            Kind::TooLong => "the token is malformed",
            _ => &message,
        };
        let is_dpop = [Kind::InvalidDpopProof, Kind::UseDpopNonce].contains(&kind);
        let scheme = if is_dpop { "DPoP" } else { "Bearer" };
        let expected = match challenge_error {
            Some(name) => {
                format!(
                    r#"{scheme} realm="api", error="{name}", error_description="{description}""#
                )
            }
            None => r#"Bearer realm="api""#.to_owned(),
        };
        assert_eq!(value, expected);
        // RFC 6750 section 3: `error_description` has no quotes and is ASCII.
        let allowed = |byte| matches!(byte, b' ' | b'!' | b'#'..=b'[' | b']'..=b'~');
        assert!(message.bytes().all(allowed), "{message}");
    }
}

#[test]
fn the_challenge_contains_a_missing_scope() {
    let error = missing_scope("write");
    assert_eq!(error.required_scope(), Some("write"));
    let value = challenge(&error, "api");
    assert!(value.contains(r#"error="insufficient_scope""#), "{value}");
    assert!(value.ends_with(r#", scope="write""#), "{value}");
}

#[test]
fn challenges_are_safe_against_injection() {
    let plain = challenge(&Kind::Expired.into(), "api");
    for realm in ["a\"b", "a\\b", "a\r\nSet-Cookie: x=1", "\0", "é", "a\tb", "\u{7f}"] {
        assert_eq!(challenge(&Kind::Expired.into(), realm), plain, "{realm:?}");
        let error = missing_scope(realm);
        let value = challenge(&error, "api");
        assert!(value.contains(r#"error="insufficient_scope""#), "{value}");
        assert!(!value.contains("scope=\"") && !value.contains(realm), "{value}");
    }
    assert!(challenge(&Kind::Expired.into(), "my realm").starts_with(r#"Bearer realm="my realm""#));
}
