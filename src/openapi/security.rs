//! The security schemes.

use utoipa::openapi::{
    SecurityRequirement,
    security::{
        ApiKey, ApiKeyValue, Flow, HttpAuthScheme, HttpBuilder, OAuth2, Password, Scopes,
        SecurityScheme,
    },
};

use crate::transport::TokenPlace;

/// A security scheme with its name in a document.
pub(super) type NamedScheme = (String, SecurityScheme);

pub(super) const BEARER: &str = "bearer";
pub(super) const COOKIE: &str = "cookie";
#[cfg(feature = "cookie")]
pub(super) const REFRESH_COOKIE: &str = "refresh_cookie";
pub(super) const OAUTH2: &str = "oauth2";

/// The scheme for tokens in `place`.
pub(super) fn scheme_of(place: &TokenPlace<'_>) -> NamedScheme {
    match *place {
        TokenPlace::Bearer => {
            let scheme = HttpBuilder::new()
                .scheme(HttpAuthScheme::Bearer)
                .bearer_format("JWT")
                .description(Some("An access token."));
            (BEARER.to_owned(), SecurityScheme::Http(scheme.build()))
        }
        TokenPlace::Header(name) => {
            let value = ApiKeyValue::with_description(name, "A header with an access token.");
            (format!("header_{name}"), SecurityScheme::ApiKey(ApiKey::Header(value)))
        }
        TokenPlace::Query(name) => {
            let value = ApiKeyValue::with_description(name, "A parameter with an access token.");
            (format!("query_{name}"), SecurityScheme::ApiKey(ApiKey::Query(value)))
        }
        TokenPlace::Cookie(name) => cookie(COOKIE, name, "The cookie with the access token."),
    }
}

pub(super) fn cookie(scheme: &str, cookie: &str, description: &str) -> NamedScheme {
    let value = ApiKeyValue::with_description(cookie, description);
    (scheme.to_owned(), SecurityScheme::ApiKey(ApiKey::Cookie(value)))
}

/// The password grant at `token_url`.
pub(super) fn password_grant(token_url: &str) -> NamedScheme {
    let flow = Flow::Password(Password::new(token_url, Scopes::new()));
    let description = "For development pages. OAuth 2.1 has no password grant.";
    (OAUTH2.to_owned(), SecurityScheme::OAuth2(OAuth2::with_description([flow], description)))
}

/// A requirement that the scheme `name` satisfies.
pub(super) fn requires(name: &str) -> SecurityRequirement {
    SecurityRequirement::new(name, [""; 0])
}
