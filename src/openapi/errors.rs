//! The responses to rejected requests.

use std::collections::BTreeMap;

use http::{
    StatusCode,
    header::{ACCEPT_ENCODING, CACHE_CONTROL, RETRY_AFTER, SET_COOKIE, WWW_AUTHENTICATE},
};
use serde_json::{Value, json};
use utoipa::openapi::{
    ContentBuilder, Header, HeaderBuilder, Ref, RefOr, Response, ResponseBuilder, Schema,
    example::ExampleBuilder,
    schema::{AllOfBuilder, ObjectBuilder, SchemaType},
};

use crate::{
    error::{AuthError, AuthErrorKind},
    rejection::DEFAULT_REALM,
    routes::{RequestErrorKind, RouteError},
};

use super::schema::{Members, integer, list, object, one_of, string};

/// The name of the schema of the default bodies.
pub(super) const ERROR_SCHEMA: &str = "AuthError";
/// The name of the schema of the bodies of RFC 6749 section 5.2.
pub(super) const OAUTH_ERROR_SCHEMA: &str = "OAuthError";

const STEP: &str =
    "The token for the second step of the login. Only with `second_factor_required`.";

/// The form of the responses to rejected requests.
#[derive(Clone, Copy)]
pub(crate) struct ErrorForm {
    pub(super) bodies: ErrorBodies,
    /// Whether they have `Cache-Control: no-store`.
    pub(super) is_uncached: bool,
    /// Whether they have a challenge, where the error requires one.
    pub(super) has_challenge: bool,
}

#[derive(Clone, Copy)]
pub(super) enum ErrorBodies {
    /// `{"detail", "code"}`.
    Default,
    /// `{"error", "error_description"}`, with the status and the body that this function returns.
    OAuth(fn(&RouteError) -> (StatusCode, Value)),
    /// The application makes the responses.
    Unknown,
}

impl ErrorForm {
    /// The form of the routes, whose default bodies the application may have replaced.
    pub(super) const fn of_routes(is_custom: bool) -> Self {
        let bodies = if is_custom { ErrorBodies::Unknown } else { ErrorBodies::Default };
        Self { bodies, is_uncached: true, has_challenge: true }
    }

    /// The response for each status that `errors` lead to.
    /// If it `deletes_cookies`, a `401` may do so.
    pub(super) fn responses(
        self,
        errors: &[RouteError],
        deletes_cookies: bool,
    ) -> BTreeMap<String, RefOr<Response>> {
        let mut by_status: BTreeMap<StatusCode, Vec<&RouteError>> = BTreeMap::new();
        for error in errors {
            by_status.entry(self.status(error)).or_default().push(error);
        }
        let responses = by_status.into_iter().map(|(status, errors)| {
            let mut response = self.response(status, &errors);
            if deletes_cookies && status == StatusCode::UNAUTHORIZED {
                response.headers.insert(SET_COOKIE.to_string(), deleted_cookies().into());
            }
            (status.as_u16().to_string(), response.into())
        });
        responses.collect()
    }

    fn status(self, error: &RouteError) -> StatusCode {
        match self.bodies {
            ErrorBodies::OAuth(response) => response(error).0,
            ErrorBodies::Default | ErrorBodies::Unknown => error.status(),
        }
    }

    fn response(self, status: StatusCode, errors: &[&RouteError]) -> Response {
        let mut response = ResponseBuilder::new().description(describe(status));
        if self.is_uncached {
            response = response.header(CACHE_CONTROL.as_str(), no_store());
        }
        let second_factor_required = AuthError::from(AuthErrorKind::SecondFactorRequired);
        let auth_errors = errors.iter().filter_map(|error| match error {
            RouteError::Auth(error) => Some(error),
            RouteError::SecondFactorRequired(_) => Some(&second_factor_required),
            RouteError::Request(_) => None,
        });
        let mut challenges = auth_errors.clone().filter(|error| error.kind().has_challenge());
        if self.has_challenge
            && let Some(error) = challenges.next()
        {
            response = response.header(WWW_AUTHENTICATE.as_str(), challenge(error));
        }
        let is_nonce = |error: &&AuthError| error.kind() == AuthErrorKind::UseDpopNonce;
        if auth_errors.clone().any(|error| is_nonce(&error)) {
            let nonce = header(
                "The nonce that the next proof must have. Only with `use_dpop_nonce`.",
                "eyJ7S_zG.eyJH0-Z.HX4w-7v",
            );
            response = response.header("DPoP-Nonce", nonce);
        }
        if let Some(wait) = auth_errors.filter_map(AuthError::retry_after).next() {
            response = response.header(RETRY_AFTER.as_str(), retry_after(wait.as_secs()));
        }
        let is_encoding = |error: &&RouteError| match error {
            RouteError::Auth(_) | RouteError::SecondFactorRequired(_) => false,
            RouteError::Request(error) => error.kind() == RequestErrorKind::UnsupportedEncoding,
        };
        if errors.iter().any(is_encoding) {
            let header = header("Present if the body is compressed: `identity`.", "identity");
            response = response.header(ACCEPT_ENCODING.as_str(), header);
        }
        match self.bodies {
            ErrorBodies::Unknown => response,
            ErrorBodies::Default => {
                let bodies = errors.iter().map(|error| default_body(error));
                response.content("application/json", content(ERROR_SCHEMA, "code", bodies))
            }
            ErrorBodies::OAuth(body) => {
                let bodies = errors.iter().map(|error| body(error).1);
                response.content("application/json", content(OAUTH_ERROR_SCHEMA, "error", bodies))
            }
        }
        .build()
    }
}

/// The schema of the default bodies.
pub(super) fn error_schema() -> ObjectBuilder {
    let messages = list("What is wrong with the field.", string("For people."));
    let errors = object()
        .description(Some(
            "The errors in the fields of the body, by name. Only with `invalid_body`.",
        ))
        .additional_properties(Some(Schema::from(messages)));
    object()
        .description(Some("Why a request was rejected."))
        .member("detail", string("For people."))
        .member("code", string("For programs. The codes are stable."))
        .property("errors", errors)
        .property("step", string(STEP))
}

/// The schema of the bodies of RFC 6749 section 5.2.
pub(super) fn oauth_error_schema() -> ObjectBuilder {
    object()
        .description(Some("Why a request was rejected (RFC 6749 section 5.2)."))
        .member("error", string("For programs."))
        .member("error_description", string("For people."))
        .property("step", string(STEP))
}

fn default_body(error: &RouteError) -> Value {
    let mut body = json!({ "detail": error.detail(), "code": error.code() });
    if let Some(errors) = error.field_errors() {
        body["errors"] = json!(errors);
    }
    if let RouteError::SecondFactorRequired(step) = error {
        body["step"] = step.token().into();
    }
    body
}

/// Bodies with the schema `name`, whose member `code` has one of the values in `bodies`.
fn content(
    name: &str,
    code: &str,
    bodies: impl Iterator<Item = Value>,
) -> utoipa::openapi::Content {
    let mut codes = Vec::new();
    let mut examples = BTreeMap::new();
    for body in bodies {
        let code = body[code].as_str().unwrap_or_default().to_owned();
        let key =
            if body.get("errors").is_some() { "invalid_fields".to_owned() } else { code.clone() };
        if !codes.contains(&code) {
            codes.push(code);
        }
        let example = ExampleBuilder::new().value(Some(body));
        examples.entry(key).or_insert_with(|| RefOr::from(example));
    }
    let one_of_codes = ObjectBuilder::new()
        .schema_type(SchemaType::AnyValue)
        .property(code, one_of(codes.iter().map(String::as_str)));
    let schema = AllOfBuilder::new().item(Ref::from_schema_name(name)).item(one_of_codes);
    ContentBuilder::new().schema(Some(schema)).examples_from_iter(examples).build()
}

fn describe(status: StatusCode) -> &'static str {
    match status {
        StatusCode::BAD_REQUEST => "The request is invalid.",
        StatusCode::UNAUTHORIZED => "The credentials are missing or invalid.",
        StatusCode::FORBIDDEN => "The request is not permitted.",
        StatusCode::NOT_FOUND => "The user has no such resource.",
        StatusCode::REQUEST_TIMEOUT => "The request body was not received in time.",
        StatusCode::CONFLICT => "The request conflicts with the state of the account.",
        StatusCode::PAYLOAD_TOO_LARGE => "The request body is too large.",
        StatusCode::UNSUPPORTED_MEDIA_TYPE => {
            "The request body has another media type or character set, or is compressed."
        }
        StatusCode::TOO_MANY_REQUESTS => "There were too many attempts.",
        StatusCode::SERVICE_UNAVAILABLE => "A service that the server needs is unavailable.",
        _ => "The request was rejected.",
    }
}

pub(super) fn no_store() -> Header {
    HeaderBuilder::new().schema(Some(one_of(["no-store"]))).build()
}

fn challenge(error: &AuthError) -> Header {
    let example = error.challenge(DEFAULT_REALM);
    header("The challenge (RFC 6750 section 3).", example.to_str().unwrap_or_default())
}

fn retry_after(seconds: u64) -> Header {
    let schema = integer("Seconds.").minimum(Some(0.0));
    HeaderBuilder::new()
        .schema(Some(schema))
        .description(Some("How long to wait before the next attempt, in seconds."))
        .example(Some(seconds.into()))
        .build()
}

pub(super) fn header(description: &str, example: &str) -> Header {
    HeaderBuilder::new()
        .schema(Some(ObjectBuilder::new().schema_type(utoipa::openapi::Type::String)))
        .description(Some(description))
        .example(Some(example.into()))
        .build()
}

/// The header of responses that may delete cookies.
pub(super) fn deleted_cookies() -> Header {
    header("Deletes cookies of the session, if the request came with them.", "access=; Max-Age=0")
}

/// The header of responses that begin a session in a browser.
#[cfg(any(feature = "accounts", feature = "cookie"))]
pub(super) fn new_cookies() -> Header {
    header("The cookies of the session.", "access=eyJ…; HttpOnly; SameSite=Lax; Secure; Path=/")
}
