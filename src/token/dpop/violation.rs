use crate::error::{AuthError, AuthErrorKind, ErrorDetails};

/// The error for a proof whose `member` violates `rule`.
pub(crate) fn invalid_proof(member: &'static str, rule: &'static str) -> AuthError {
    let details = ErrorDetails {
        member: Some(member.into()),
        rule: Some(rule.into()),
        ..ErrorDetails::default()
    };
    AuthError::with_details(AuthErrorKind::InvalidDpopProof, details)
}
