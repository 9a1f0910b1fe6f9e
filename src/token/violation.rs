//! The errors for claims that violate a rule of the configuration.

use std::{borrow::Cow, time::Duration};

use crate::error::{AuthError, AuthErrorKind, ErrorDetails};

use super::{token_profile::TokenProfile, token_type::TokenType};

/// How many accepted values an error lists.
const LISTED: usize = 8;

fn error(
    kind: AuthErrorKind,
    member: &str,
    rule: impl Into<Cow<'static, str>>,
    setting: &'static str,
) -> AuthError {
    let details = ErrorDetails {
        member: Some(member.to_owned().into()),
        rule: Some(rule.into()),
        setting: Some(setting),
        ..ErrorDetails::default()
    };
    AuthError::with_details(kind, details)
}

fn expected<'a>(accepted: impl IntoIterator<Item = &'a str>) -> String {
    let accepted: Vec<_> = accepted.into_iter().collect();
    let (listed, others) = accepted.split_at(accepted.len().min(LISTED));
    let one_of = if accepted.len() > 1 { "one of " } else { "" };
    let listed = listed.join(", ");
    match others.len() {
        0 => format!("expected {one_of}{listed}"),
        others => format!("expected {one_of}{listed} and {others} more"),
    }
}

/// The token has no accepted issuer, but `found`.
///
/// Providers write their issuer with a trailing slash or without one. An issuer that differs from an
/// accepted one by the slash alone reveals nothing, and is named.
pub(super) fn wrong_issuer<'a>(
    accepted: impl IntoIterator<Item = &'a str, IntoIter: Clone>,
    found: Option<&str>,
) -> AuthError {
    let accepted = accepted.into_iter();
    let without_slash = |issuer: &'a str| issuer.strip_suffix('/').unwrap_or(issuer);
    let near = found.and_then(|found| {
        let stem = found.strip_suffix('/').unwrap_or(found);
        accepted.clone().find(|issuer| without_slash(issuer) == stem).map(|issuer| (issuer, found))
    });
    let rule = match near {
        Some((issuer, found)) => {
            format!("expected {issuer}, found {found}, which differs only by a trailing slash")
        }
        None => expected(accepted),
    };
    error(AuthErrorKind::WrongIssuer, "iss", rule, "issuer")
}

/// The token has none of the accepted audiences, or one although none are.
pub(super) fn wrong_audience(accepted: Option<&[Box<str>]>) -> AuthError {
    let rule = match accepted {
        Some(accepted) => expected(accepted.iter().map(AsRef::as_ref)),
        None => "expected no audience".to_owned(),
    };
    error(AuthErrorKind::WrongAudience, "aud", rule, "audience")
}

/// The value of `claim`, `client_id` or `azp`, is not accepted.
pub(super) fn wrong_client(claim: &str, accepted: &[Box<str>]) -> AuthError {
    let rule = expected(accepted.iter().map(AsRef::as_ref));
    error(AuthErrorKind::InvalidClaims, claim, rule, "clients")
}

pub(super) fn wrong_token_type(claim: &str, accepted: &[TokenType]) -> AuthError {
    let rule = expected(accepted.iter().map(TokenType::as_str));
    error(AuthErrorKind::WrongTokenType, claim, rule, "token_types")
}

/// The header member `typ` is not accepted.
pub(super) fn wrong_typ<'a>(
    setting: &'static str,
    accepted: impl IntoIterator<Item = &'a str>,
) -> AuthError {
    error(AuthErrorKind::WrongTokenType, "typ", expected(accepted), setting)
}

/// The claim `name` shows that the token has another use than tokens of the profile.
pub(super) fn other_use(name: &str, profile: TokenProfile) -> AuthError {
    let rule = match profile {
        TokenProfile::IdToken => "expected an ID token",
        TokenProfile::LogoutToken => "expected a logout token",
        _ => "expected an access token",
    };
    error(AuthErrorKind::WrongTokenType, name, rule, "profile")
}

pub(super) fn not_yet_valid(claim: &str) -> AuthError {
    error(AuthErrorKind::NotYetValid, claim, "not in the future", "clock_skew")
}

pub(super) fn too_long_lived(longest: Duration) -> AuthError {
    let rule = format!("at most {} seconds after iat", longest.as_secs());
    error(AuthErrorKind::InvalidClaims, "exp", rule, "longest_lifetime")
}

pub(super) fn too_old(longest: Duration) -> AuthError {
    let rule = format!("at most {} seconds ago", longest.as_secs());
    error(AuthErrorKind::Expired, "iat", rule, "profile")
}

/// The token has no logout event, or has another one too.
pub(super) fn no_logout_event() -> AuthError {
    error(AuthErrorKind::WrongTokenType, "events", "expected only the logout event", "profile")
}

/// The claim `name`, which `setting` makes optional, is missing.
pub(super) fn missing(name: &str, setting: &'static str) -> AuthError {
    error(AuthErrorKind::InvalidClaims, name, "required", setting)
}

/// The token violates a rule for tokens that are bound to a key.
pub(super) fn binding(rule: &'static str) -> AuthError {
    let details = ErrorDetails {
        member: Some("cnf".into()),
        rule: Some(rule.into()),
        ..ErrorDetails::default()
    };
    AuthError::with_details(AuthErrorKind::InvalidClaims, details)
}
