//! The password grant, and the scheme with which a page of the API uses it.

use utoipa::openapi::{HttpMethod, OpenApi};

use crate::{
    error::AuthErrorKind,
    possession::Dpop,
    routes::{DescribedLogin, RequestErrorKind, oauth_error},
};

use super::{
    document::Document,
    errors::{ErrorBodies, ErrorForm},
    layer::operations,
    login::LOGIN_ERRORS,
    route::Route,
    schema::{Members, integer, object, one_of, password, string},
    security::{BEARER, OAUTH2, password_grant, requires},
};

/// Lets every operation that accepts the scheme `bearer` also accept `oauth2`, which has the access
/// tokens of the [password grant](crate::routes::TokenRoutesBuilder::password_grant_path).
///
/// The Authorize button of a page such as Swagger UI then applies to all of them. Call it when the
/// document is complete. It does nothing if the document has no scheme `oauth2`.
pub fn accept_password_grant(document: &mut OpenApi) {
    let components = document.components.as_ref();
    if !components.is_some_and(|components| components.security_schemes.contains_key(OAUTH2)) {
        return;
    }
    for (_, operation) in document.paths.paths.values_mut().flat_map(operations) {
        if let Some(security) = &mut operation.security
            && security.contains(&requires(BEARER))
            && !security.contains(&requires(OAUTH2))
        {
            security.push(requires(OAUTH2));
        }
    }
}

pub(super) fn add_password_grant(
    document: Document,
    login: &DescribedLogin<'_>,
    path: &str,
    dpop: Option<&Dpop>,
) -> Document {
    let form = object()
        .member("grant_type", one_of(["password"]))
        .member("username", string("The name of the user.").min_length(Some(1)))
        .member("password", password("The password.").min_length(Some(1)))
        .property("scope", string("Ignored."))
        .property("client_id", string("Ignored."))
        .property("client_secret", string("Ignored."));
    let token_type = if dpop.is_some() { one_of(["Bearer", "DPoP"]) } else { one_of(["Bearer"]) };
    let tokens = object()
        .member("access_token", string("The access token."))
        .member("token_type", token_type)
        .member("expires_in", integer("The lifetime of the access token, in seconds."))
        .property("refresh_token", string("The refresh token."));
    let mut route = Route::new(HttpMethod::Post, path, "Log in with a form (RFC 6749 section 4.3)")
        .description("For development pages. OAuth 2.1 has no password grant.")
        .form(form)
        .errors([RequestErrorKind::UnsupportedGrantType])
        .errors(LOGIN_ERRORS)
        .binding(dpop)
        .ok("The tokens of a new session.", tokens);
    if login.is_limited {
        route = route.errors([AuthErrorKind::Throttled]);
    }
    if login.has_second_factor {
        route = route.errors([DescribedLogin::second_factor_required()]);
    }
    let errors = ErrorForm {
        bodies: ErrorBodies::OAuth(oauth_error),
        is_uncached: true,
        has_challenge: false,
    };
    document.security_schemes([password_grant(path)]).route_with_errors(route, errors)
}
