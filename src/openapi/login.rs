//! Logins, in the documents of all routes that begin sessions.

use utoipa::openapi::{HttpMethod, schema::ObjectBuilder};

use crate::{error::AuthErrorKind, routes::DescribedLogin};

use super::{
    route::Route,
    schema::{Members, object, password, string},
};

/// Why the token of a request is rejected.
pub(super) const TOKEN_ERRORS: [AuthErrorKind; 6] = [
    AuthErrorKind::Malformed,
    AuthErrorKind::Expired,
    AuthErrorKind::NotYetValid,
    AuthErrorKind::WrongTokenType,
    AuthErrorKind::Revoked,
    AuthErrorKind::Unavailable,
];

/// Why a login with credentials is rejected.
pub(super) const LOGIN_ERRORS: [AuthErrorKind; 6] = [
    AuthErrorKind::InvalidCredentials,
    AuthErrorKind::AccountUnverified,
    AuthErrorKind::AccountLocked,
    AuthErrorKind::PasswordExpired,
    AuthErrorKind::Unavailable,
    AuthErrorKind::Overloaded,
];

/// Why a refresh with a valid token is rejected.
pub(super) fn refresh_errors(
    login: &DescribedLogin<'_>,
) -> impl Iterator<Item = AuthErrorKind> + use<> {
    let throttled = login.is_refresh_limited.then_some(AuthErrorKind::Throttled);
    [AuthErrorKind::UserInactive, AuthErrorKind::Overloaded].into_iter().chain(throttled)
}

/// `POST` of credentials to `path`, without its response.
pub(super) fn log_in(login: &DescribedLogin<'_>, path: &str) -> Route {
    let route = Route::new(HttpMethod::Post, path, "Log in")
        .json(credentials(login), login.missing.clone())
        .errors(LOGIN_ERRORS);
    let route = if login.is_limited { route.errors([AuthErrorKind::Throttled]) } else { route };
    if login.has_second_factor {
        route.errors([DescribedLogin::second_factor_required()])
    } else {
        route
    }
}

/// `POST` of a code to `path`, without its response.
pub(super) fn complete(login: &DescribedLogin<'_>, path: &str) -> Route {
    let (step, code) = (login.name("step"), login.name("code"));
    let body = object()
        .member(step, string("The token in the response to the first request."))
        .member(code, string("The code."));
    let route = Route::new(HttpMethod::Post, path, "Complete a login with a code")
        .description(
            "The second step of a login whose response had the code `second_factor_required`.",
        )
        .json(body, login.missing(&["step", "code"]))
        .errors([AuthErrorKind::InvalidCode])
        .errors(TOKEN_ERRORS)
        .errors([AuthErrorKind::UserInactive, AuthErrorKind::Overloaded]);
    if login.is_code_limited { route.errors([AuthErrorKind::Throttled]) } else { route }
}

/// The fields of a login.
pub(super) fn credentials(login: &DescribedLogin<'_>) -> ObjectBuilder {
    login.fields.iter().fold(object(), |body, name| {
        body.member(
            name,
            match &**name {
                name if name == login.name("password") => password("The password."),
                name if name == login.name("username") => string("The name of the user."),
                _ => string("A credential."),
            }
            .min_length(Some(1)),
        )
    })
}
