use std::{error::Error, fmt};

use crate::error::{AuthError, AuthErrorKind};

/// Why the application is at fault if the issuer fails: the source of
/// [`Misconfigured`](AuthErrorKind::Misconfigured).
#[derive(Debug)]
pub(super) enum IssueError {
    Scope,
    TokenLen { len: usize, max: usize },
    RefreshToken,
    Lifetime,
    SingleUseType,
    SingleUseLifetime,
    NoSigningKey,
    NoStore,
}

impl fmt::Display for IssueError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Scope => "a scope has a character that RFC 6749 section 3.3 does not allow",
            Self::TokenLen { len, max } => {
                return write!(
                    f,
                    "the claims make a token of {len} bytes, but `max_token_len` of the issuer is {max}"
                );
            }
            Self::RefreshToken => "only a login issues refresh tokens",
            Self::Lifetime => {
                "the lifetime of a token must be at least one second, and at most that of the key \
                 rotation policy"
            }
            Self::SingleUseType => {
                "a single-use token must have a custom type other than `ticket`"
            }
            Self::SingleUseLifetime => {
                "a single-use token must not live longer than `session_lifetime` of the issuer, \
                 because `revoke_user` is not remembered for longer"
            }
            Self::NoSigningKey => "the keys of the issuer have no signing key",
            Self::NoStore => "the issuer has no `store`",
        })
    }
}

impl Error for IssueError {}

impl From<IssueError> for AuthError {
    fn from(error: IssueError) -> Self {
        Self::with_source(AuthErrorKind::Misconfigured, error)
    }
}
