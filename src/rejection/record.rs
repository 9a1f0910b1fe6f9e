//! Logs and counts rejections.

use crate::{
    error::{AuthError, AuthErrorKind, log_rejection},
    metrics::count,
};

/// Logs and counts a rejected request. Errors of clients are common, so their level is `DEBUG`.
pub(crate) fn record(error: &AuthError) {
    count_rejection(error.kind());
    if error.kind() == AuthErrorKind::Misconfigured {
        log_rejection!(error, error, "request rejected: the application is misconfigured");
    } else if error.retry_after().is_some() {
        log_rejection!(warn, error, "request rejected: a required service is unavailable");
    } else {
        log_rejection!(debug, error, "request rejected");
    }
}

/// Logs and counts a request that was passed on without claims.
pub(crate) fn record_anonymous(error: &AuthError) {
    if error.kind() != AuthErrorKind::MissingCredentials {
        count!("jwt_auth_ignored_tokens_total");
    }
    log_rejection!(debug, error, "request passed on without claims");
}

fn count_rejection(kind: AuthErrorKind) {
    macro_rules! count_kind {
        ($($kind:ident $label:literal)*) => {
            match kind {
                $(AuthErrorKind::$kind => count!("jwt_auth_rejections_total", "kind" => $label),)*
            }
        };
    }
    count_kind! {
        MissingCredentials "missing_credentials"
        InvalidRequest "invalid_request"
        RepeatedCookie "repeated_cookie"
        CrossSiteRequest "cross_site_request"
        Malformed "malformed"
        TooLong "too_long"
        UnknownKey "unknown_key"
        InvalidSignature "invalid_signature"
        Inactive "inactive"
        Expired "expired"
        NotYetValid "not_yet_valid"
        WrongTokenType "wrong_token_type"
        WrongIssuer "wrong_issuer"
        WrongAudience "wrong_audience"
        InvalidClaims "invalid_claims"
        Revoked "revoked"
        Reused "reused"
        CheckFailed "check_failed"
        InsufficientScope "insufficient_scope"
        Forbidden "forbidden"
        InsufficientUserAuthentication "insufficient_user_authentication"
        InvalidDpopProof "invalid_dpop_proof"
        UseDpopNonce "use_dpop_nonce"
        InvalidCredentials "invalid_credentials"
        AccountUnverified "account_unverified"
        AccountLocked "account_locked"
        PasswordExpired "password_expired"
        SecondFactorRequired "second_factor_required"
        InvalidCode "invalid_code"
        UserInactive "user_inactive"
        Throttled "throttled"
        Unavailable "unavailable"
        Overloaded "overloaded"
        Misconfigured "misconfigured"
    }
}
