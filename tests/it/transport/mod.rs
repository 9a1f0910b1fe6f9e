//! Where a request may carry its token (RFC 6750, RFC 9110), and the responses to rejected requests.

mod authorization;
mod responses;
mod sources;
mod websocket_protocol;

use http::{
    HeaderName,
    header::{CONTENT_TYPE, RETRY_AFTER},
};
use tower_jwt_auth::{
    AuthErrorKind::{self, InvalidRequest, Malformed, MissingCredentials},
    JwtAuthLayer,
};

use crate::support::app::{LayerResponse, send, valid_token, with_lines};

/// The outcome of a request with a valid token.
const USER_42: Result<&str, AuthErrorKind> = Ok("42");

/// Every rejection by a layer: kind, status, challenge, `code` and `detail`.
const REJECTIONS: [(AuthErrorKind, u16, &str, &str, &str); 17] = [
    (
        MissingCredentials,
        401,
        r#"Bearer realm="api""#,
        "not_authenticated",
        "Authentication credentials were not provided.",
    ),
    (
        InvalidRequest,
        400,
        r#"Bearer realm="api", error="invalid_request", error_description="the credentials are malformed""#,
        "invalid_request",
        "The authentication credentials are malformed.",
    ),
    (
        AuthErrorKind::RepeatedCookie,
        400,
        r#"Bearer realm="api", error="invalid_request", error_description="the cookie of the token was sent more than once""#,
        "repeated_cookie",
        "The cookie of the token was sent more than once. Delete the cookies of this site.",
    ),
    (
        AuthErrorKind::CrossSiteRequest,
        403,
        "",
        "cross_site_request",
        "The request was caused by another site.",
    ),
    (
        Malformed,
        401,
        r#"Bearer realm="api", error="invalid_token", error_description="the token is malformed""#,
        "token_invalid",
        "The token is invalid.",
    ),
    (
        AuthErrorKind::TooLong,
        401,
        r#"Bearer realm="api", error="invalid_token", error_description="the token is malformed""#,
        "token_invalid",
        "The token is invalid.",
    ),
    (
        AuthErrorKind::UnknownKey,
        401,
        r#"Bearer realm="api", error="invalid_token", error_description="no trusted key matches the token""#,
        "token_invalid",
        "The token is invalid.",
    ),
    (
        AuthErrorKind::InvalidSignature,
        401,
        r#"Bearer realm="api", error="invalid_token", error_description="the signature is invalid""#,
        "token_invalid",
        "The token is invalid.",
    ),
    (
        AuthErrorKind::Expired,
        401,
        r#"Bearer realm="api", error="invalid_token", error_description="the token has expired""#,
        "token_expired",
        "The token has expired.",
    ),
    (
        AuthErrorKind::NotYetValid,
        401,
        r#"Bearer realm="api", error="invalid_token", error_description="the token is not yet valid""#,
        "token_not_yet_valid",
        "The token is not yet valid.",
    ),
    (
        AuthErrorKind::WrongTokenType,
        401,
        r#"Bearer realm="api", error="invalid_token", error_description="the token has the wrong type""#,
        "token_wrong_type",
        "The token has the wrong type.",
    ),
    (
        AuthErrorKind::WrongIssuer,
        401,
        r#"Bearer realm="api", error="invalid_token", error_description="the token was issued by another issuer""#,
        "token_invalid",
        "The token is invalid.",
    ),
    (
        AuthErrorKind::WrongAudience,
        401,
        r#"Bearer realm="api", error="invalid_token", error_description="the token is intended for another audience""#,
        "token_invalid",
        "The token is invalid.",
    ),
    (
        AuthErrorKind::InvalidClaims,
        401,
        r#"Bearer realm="api", error="invalid_token", error_description="a claim is missing or invalid""#,
        "token_invalid",
        "The token is invalid.",
    ),
    (
        AuthErrorKind::Revoked,
        401,
        r#"Bearer realm="api", error="invalid_token", error_description="the token has been revoked""#,
        "token_revoked",
        "The token has been revoked.",
    ),
    (
        AuthErrorKind::CheckFailed,
        401,
        r#"Bearer realm="api", error="invalid_token", error_description="the application rejected the token""#,
        "token_invalid",
        "The token is invalid.",
    ),
    (AuthErrorKind::Unavailable, 503, "", "unavailable", "The service is temporarily unavailable."),
];

/// Compares the whole response, so that it cannot contain anything from the request.
fn assert_complete(response: &LayerResponse, case: &str) {
    let Some(kind) = response.kind() else {
        assert_eq!((response.status.as_u16(), response.body.as_str()), (200, "welcome"), "{case}");
        return;
    };
    let (_, status, challenge, code, detail) =
        REJECTIONS.into_iter().find(|rejection| rejection.0 == kind).unwrap();
    assert_eq!(response.status.as_u16(), status, "{case}");
    let challenges = if challenge.is_empty() { vec![] } else { vec![challenge] };
    assert_eq!(response.challenges(), challenges, "{case}");
    assert_eq!(response.headers[CONTENT_TYPE], "application/json", "{case}");
    let body: serde_json::Value = serde_json::from_str(&response.body).unwrap();
    assert_eq!(body, serde_json::json!({ "code": code, "detail": detail }), "{case}");
    let others = if status == 503 { 1 } else { 0 };
    assert_eq!(
        response.headers.len(),
        1 + challenges.len() + others,
        "{case}: {:?}",
        response.headers
    );
    assert_eq!(response.headers.contains_key(RETRY_AFTER), status == 503, "{case}");
}

/// Sends the fields of each case, with a valid token in place of `{T}`, and compares the outcome.
async fn assert_lines(
    layer: &JwtAuthLayer,
    name: &HeaderName,
    cases: &[(&[&str], Result<&str, AuthErrorKind>)],
) {
    let token = valid_token();
    for (lines, expected) in cases {
        let filled: Vec<_> = lines.iter().map(|line| line.replace("{T}", &token)).collect();
        let filled: Vec<_> = filled.iter().map(String::as_str).collect();
        let response = send(layer, with_lines(name, &filled)).await;
        assert_eq!(response.outcome(), *expected, "{lines:?}");
        assert_complete(&response, &format!("{lines:?}"));
    }
}
