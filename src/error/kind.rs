use http::StatusCode;

/// What a response contains for one kind of error.
struct Row {
    status: StatusCode,
    code: &'static str,
    detail: &'static str,
    /// The JSON of both. Neither has a character that JSON escapes.
    json: &'static str,
    challenge_error: Option<&'static str>,
    description: &'static str,
}

macro_rules! row {
    ($status:expr, $code:literal, $detail:literal, $challenge_error:expr, $description:literal,) => {
        Row {
            status: $status,
            code: $code,
            detail: $detail,
            json: concat!("{\"detail\":\"", $detail, "\",\"code\":\"", $code, "\"}"),
            challenge_error: $challenge_error,
            description: $description,
        }
    };
}

macro_rules! invalid_token {
    ($code:literal, $detail:literal, $description:literal $(,)?) => {
        row!(StatusCode::UNAUTHORIZED, $code, $detail, Some("invalid_token"), $description,)
    };
}

/// The kind of an [`AuthError`](super::AuthError). It determines the status, the `code` and the
/// challenge of the response.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum AuthErrorKind {
    /// The request carries no credentials of a configured scheme.
    MissingCredentials,
    /// The credentials violate the grammar of [RFC 6750], or there are several.
    ///
    /// [RFC 6750]: https://www.rfc-editor.org/rfc/rfc6750#section-2.1
    InvalidRequest,
    /// The request carries the cookie of the token more than once. Another site of the same domain
    /// may have set one of them.
    RepeatedCookie,
    /// The request was caused by another site, or it carries a cookie and does not show which site
    /// caused it. See [`transport`](crate::transport#cross-site-requests).
    CrossSiteRequest,
    /// The token is not a well-formed JWT, or its header has a parameter that is not accepted.
    Malformed,
    /// The token is longer than [`max_token_len`](crate::token::VerifierBuilder::max_token_len).
    ///
    /// The response is that of [`Malformed`](Self::Malformed).
    TooLong,
    /// No trusted key matches the token's algorithm, key id and issuer.
    UnknownKey,
    /// The signature is invalid.
    InvalidSignature,
    /// The authorization server states that the token is not active: it has expired, was revoked, or
    /// was never issued. See the feature `introspection`.
    Inactive,
    /// The token has expired.
    Expired,
    /// The `nbf`, `iat` or `auth_time` of the token is in the future.
    NotYetValid,
    /// The token has a type that is not accepted here.
    WrongTokenType,
    /// The token was issued by another issuer.
    WrongIssuer,
    /// The token is intended for another audience.
    WrongAudience,
    /// A claim is missing, or its type or value is not allowed.
    InvalidClaims,
    /// The token, its session or all tokens of its user were revoked.
    Revoked,
    /// A refresh token was used again after it had been rotated. Its session has been ended.
    Reused,
    /// A [check](crate::token::VerifierBuilder::check) of the application rejected the claims.
    CheckFailed,
    /// The token lacks a required scope.
    InsufficientScope,
    /// The claims do not permit the request.
    Forbidden,
    /// The login behind the token is not recent or strong enough ([RFC 9470]).
    ///
    /// [RFC 9470]: https://www.rfc-editor.org/rfc/rfc9470
    InsufficientUserAuthentication,
    /// The DPoP proof is missing, invalid or was used before, or it was made with another key than the
    /// token is bound to ([RFC 9449]).
    ///
    /// [RFC 9449]: https://www.rfc-editor.org/rfc/rfc9449#section-4.3
    InvalidDpopProof,
    /// The DPoP proof has no nonce of this server, or an old one. The response has a new one in the
    /// header `DPoP-Nonce`.
    UseDpopNonce,
    /// No active user has the given credentials.
    InvalidCredentials,
    /// The password is right, but the user's e-mail address has not been verified.
    AccountUnverified,
    /// The password is right, but the account is locked.
    AccountLocked,
    /// The password is right, but it must be replaced before the login.
    PasswordExpired,
    /// The password is right, but the login also requires a code.
    SecondFactorRequired,
    /// The code of the second step of a login is wrong, or it was used before.
    InvalidCode,
    /// The user of the token no longer exists, is inactive, or has changed since the login.
    UserInactive,
    /// There were too many attempts to log in, see the feature `throttle`. The error has the time
    /// to wait in [`retry_after`](super::AuthError::retry_after).
    Throttled,
    /// A store, a user backend or a key server did not respond.
    Unavailable,
    /// The server is too busy to hash another password.
    Overloaded,
    /// The application is misconfigured: for example, a layer is missing.
    Misconfigured,
}

impl AuthErrorKind {
    /// The HTTP status of the response.
    #[must_use]
    pub const fn status(self) -> StatusCode {
        self.row().status
    }

    /// The `code` of the JSON body, for programs. The codes are stable.
    ///
    /// | code | meaning |
    /// |---|---|
    /// | `not_authenticated` | the request carries no credentials |
    /// | `invalid_request` | the credentials are malformed, or there are several |
    /// | `repeated_cookie` | the cookie of the token was sent more than once; delete the site's cookies |
    /// | `cross_site_request` | another site caused the request |
    /// | `token_invalid` | the token cannot be trusted |
    /// | `token_expired` | the token has expired; refresh it |
    /// | `token_not_yet_valid` | the token is not valid yet |
    /// | `token_wrong_type` | the token has another type than required |
    /// | `token_revoked` | the token or its session was revoked; log in again |
    /// | `insufficient_scope`, `permission_denied` | the token is valid but does not permit the request |
    /// | `insufficient_user_authentication` | log in again, more recently or more strongly |
    /// | `invalid_dpop_proof` | the DPoP proof is missing, invalid, or was used before; send a new one |
    /// | `use_dpop_nonce` | send a new DPoP proof with the nonce of the header `DPoP-Nonce` |
    /// | `invalid_credentials` | the login failed |
    /// | `account_unverified` | verify the e-mail address, then log in again |
    /// | `account_locked` | the account is locked |
    /// | `password_expired` | replace the password, then log in again |
    /// | `second_factor_required` | complete the login with a code |
    /// | `invalid_code` | the code is wrong or was used before |
    /// | `throttled` | too many attempts to log in; wait as long as `Retry-After` says |
    /// | `user_inactive` | the user can no longer refresh tokens |
    /// | `unavailable`, `overloaded` | try again later |
    /// | `misconfigured` | the server is at fault |
    #[must_use]
    pub const fn code(self) -> &'static str {
        self.row().code
    }

    /// The `detail` of the JSON body, for people.
    #[must_use]
    pub const fn detail(self) -> &'static str {
        self.row().detail
    }

    /// The JSON body, with `detail` and `code`.
    pub(crate) const fn json(self) -> &'static str {
        self.row().json
    }

    /// The `error` of the challenge ([RFC 6750 section 3.1]), if the kind has one.
    ///
    /// [RFC 6750 section 3.1]: https://www.rfc-editor.org/rfc/rfc6750#section-3.1
    #[must_use]
    pub const fn challenge_error(self) -> Option<&'static str> {
        self.row().challenge_error
    }

    /// Whether the response has a challenge.
    pub(crate) fn has_challenge(self) -> bool {
        self.status() == StatusCode::UNAUTHORIZED || self.challenge_error().is_some()
    }

    pub(super) const fn description(self) -> &'static str {
        match self {
            Self::TooLong => "the token is too long",
            _ => self.challenge_description(),
        }
    }

    pub(super) const fn challenge_description(self) -> &'static str {
        self.row().description
    }

    /// Whether the kind is an error of the scheme `DPoP`, so that no other challenge names it.
    pub(crate) const fn is_dpop_error(self) -> bool {
        matches!(self, Self::InvalidDpopProof | Self::UseDpopNonce)
    }

    /// The member that an error of this kind is always about.
    pub(super) const fn member(self) -> Option<&'static str> {
        match self {
            Self::Expired => Some("exp"),
            Self::InsufficientScope => Some("scope"),
            _ => None,
        }
    }

    /// The rule that an error of this kind always violates.
    pub(super) const fn rule(self) -> Option<&'static str> {
        match self {
            Self::Expired => Some("not in the past"),
            Self::TooLong => Some("not longer than the maximum"),
            _ => None,
        }
    }

    /// The setting that determines this rule.
    pub(super) const fn setting(self) -> Option<&'static str> {
        match self {
            Self::Expired => Some("leeway"),
            Self::TooLong => Some("max_token_len"),
            _ => None,
        }
    }

    const fn row(self) -> Row {
        match self {
            Self::MissingCredentials => row!(
                StatusCode::UNAUTHORIZED,
                "not_authenticated",
                "Authentication credentials were not provided.",
                None,
                "no credentials were provided",
            ),
            Self::InvalidRequest => row!(
                StatusCode::BAD_REQUEST,
                "invalid_request",
                "The authentication credentials are malformed.",
                Some("invalid_request"),
                "the credentials are malformed",
            ),
            Self::RepeatedCookie => row!(
                StatusCode::BAD_REQUEST,
                "repeated_cookie",
                "The cookie of the token was sent more than once. Delete the cookies of this site.",
                Some("invalid_request"),
                "the cookie of the token was sent more than once",
            ),
            Self::CrossSiteRequest => row!(
                StatusCode::FORBIDDEN,
                "cross_site_request",
                "The request was caused by another site.",
                None,
                "another site caused the request",
            ),
            Self::Malformed | Self::TooLong => {
                invalid_token!("token_invalid", "The token is invalid.", "the token is malformed",)
            }
            Self::UnknownKey => invalid_token!(
                "token_invalid",
                "The token is invalid.",
                "no trusted key matches the token",
            ),
            Self::InvalidSignature => {
                invalid_token!("token_invalid", "The token is invalid.", "the signature is invalid",)
            }
            Self::Inactive => {
                invalid_token!("token_invalid", "The token is invalid.", "the token is not active",)
            }
            Self::Expired => {
                invalid_token!("token_expired", "The token has expired.", "the token has expired",)
            }
            Self::NotYetValid => invalid_token!(
                "token_not_yet_valid",
                "The token is not yet valid.",
                "the token is not yet valid",
            ),
            Self::WrongTokenType => invalid_token!(
                "token_wrong_type",
                "The token has the wrong type.",
                "the token has the wrong type",
            ),
            Self::WrongIssuer => invalid_token!(
                "token_invalid",
                "The token is invalid.",
                "the token was issued by another issuer",
            ),
            Self::WrongAudience => invalid_token!(
                "token_invalid",
                "The token is invalid.",
                "the token is intended for another audience",
            ),
            Self::InvalidClaims => invalid_token!(
                "token_invalid",
                "The token is invalid.",
                "a claim is missing or invalid",
            ),
            Self::Revoked => invalid_token!(
                "token_revoked",
                "The token has been revoked.",
                "the token has been revoked",
            ),
            Self::Reused => invalid_token!(
                "token_revoked",
                "The token has been revoked.",
                "the refresh token was used again and its session has ended",
            ),
            Self::CheckFailed => invalid_token!(
                "token_invalid",
                "The token is invalid.",
                "the application rejected the token",
            ),
            Self::InsufficientScope => row!(
                StatusCode::FORBIDDEN,
                "insufficient_scope",
                "The token lacks a required scope.",
                Some("insufficient_scope"),
                "the token lacks a required scope",
            ),
            Self::Forbidden => row!(
                StatusCode::FORBIDDEN,
                "permission_denied",
                "You do not have permission to perform this action.",
                None,
                "the claims do not permit this",
            ),
            Self::InsufficientUserAuthentication => row!(
                StatusCode::UNAUTHORIZED,
                "insufficient_user_authentication",
                "The user must log in again.",
                Some("insufficient_user_authentication"),
                "a more recent or stronger login is required",
            ),
            Self::InvalidDpopProof => row!(
                StatusCode::UNAUTHORIZED,
                "invalid_dpop_proof",
                "The DPoP proof is invalid.",
                Some("invalid_dpop_proof"),
                "the DPoP proof is invalid",
            ),
            Self::UseDpopNonce => row!(
                StatusCode::UNAUTHORIZED,
                "use_dpop_nonce",
                "The DPoP proof requires a new nonce.",
                Some("use_dpop_nonce"),
                "the DPoP proof requires a nonce of this server",
            ),
            Self::InvalidCredentials => row!(
                StatusCode::UNAUTHORIZED,
                "invalid_credentials",
                "No active account found with the given credentials.",
                None,
                "no active user has these credentials",
            ),
            Self::AccountUnverified => row!(
                StatusCode::UNAUTHORIZED,
                "account_unverified",
                "The e-mail address of this account has not been verified.",
                None,
                "the account has not been verified",
            ),
            Self::AccountLocked => row!(
                StatusCode::UNAUTHORIZED,
                "account_locked",
                "This account is locked.",
                None,
                "the account is locked",
            ),
            Self::PasswordExpired => row!(
                StatusCode::UNAUTHORIZED,
                "password_expired",
                "The password of this account has expired.",
                None,
                "the password has expired",
            ),
            Self::SecondFactorRequired => row!(
                StatusCode::UNAUTHORIZED,
                "second_factor_required",
                "This account requires a second factor.",
                None,
                "the login requires a second factor",
            ),
            Self::InvalidCode => row!(
                StatusCode::UNAUTHORIZED,
                "invalid_code",
                "The code is wrong or was used before.",
                None,
                "the code is wrong or was used before",
            ),
            Self::UserInactive => invalid_token!(
                "user_inactive",
                "No active account found for the given token.",
                "the user of the token may not refresh it",
            ),
            Self::Throttled => row!(
                StatusCode::TOO_MANY_REQUESTS,
                "throttled",
                "Too many attempts. Try again later.",
                None,
                "too many attempts to log in",
            ),
            Self::Unavailable => row!(
                StatusCode::SERVICE_UNAVAILABLE,
                "unavailable",
                "The service is temporarily unavailable.",
                None,
                "a required service did not respond",
            ),
            Self::Overloaded => row!(
                StatusCode::SERVICE_UNAVAILABLE,
                "overloaded",
                "The service is busy. Try again later.",
                None,
                "the server is too busy",
            ),
            Self::Misconfigured => row!(
                StatusCode::INTERNAL_SERVER_ERROR,
                "misconfigured",
                "The server is misconfigured.",
                None,
                "the application is misconfigured",
            ),
        }
    }
}
