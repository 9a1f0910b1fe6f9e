use http::{StatusCode, header::SET_COOKIE};
use serde::{Serialize, de::DeserializeOwned};
use utoipa::openapi::{
    HttpMethod, OpenApi, Ref, RefOr, Schema,
    schema::{AllOfBuilder, ObjectBuilder},
};
use utoipa_axum::router::OpenApiRouter;

use crate::{
    accounts::{AccountRoute, AccountRoutes, DescribedAccountRoutes},
    error::AuthErrorKind,
    routes::{RequestError, RequestErrorKind, RouteError},
    user::{AccountBackend, FieldErrors},
};

use super::{
    document::Document,
    dpop::token_type,
    errors::{ErrorForm, deleted_cookies, new_cookies},
    layer::Protection,
    route::Route,
    router::with_document,
    schema::{Members, any_object, boolean, email, nullable_string, object, password, string},
};

#[cfg(feature = "totp")]
use super::schema::list;

/// The name of the schema of an account.
const ACCOUNT_SCHEMA: &str = "Account";

impl<U, C, R> AccountRoutes<U, C, R>
where
    U: AccountBackend<C, R>,
    C: Serialize + DeserializeOwned + Send + Sync + 'static,
    R: Serialize + DeserializeOwned + Send + Sync + 'static,
{
    /// Describes the routes. See [`openapi`](crate::openapi).
    #[must_use]
    pub fn openapi(&self) -> OpenApi {
        let routes = self.describe();
        let protection = Protection::of(&routes.layer);
        let account = if routes.has_custom_user {
            any_object("An account, as the application describes it.")
        } else {
            object()
                .description(Some("An account."))
                .member("id", string("The id of the user."))
                .member("username", nullable_string("The name of the user."))
                .member("email", nullable_string("The e-mail address."))
        };
        let form = ErrorForm::of_routes(routes.has_custom_rejection);
        let document = Document::new("account", "Accounts of users.", form)
            .schema(ACCOUNT_SCHEMA, account)
            .security_schemes(protection.schemes.iter().cloned());
        let operations = routes.routes.iter();
        operations
            .fold(document, |document, (route, path)| {
                document.route(describe(*route, path, &routes, &protection))
            })
            .into_openapi()
    }

    /// Converts the routes into a router with their [document](Self::openapi).
    pub fn into_openapi_router<S: Clone + Send + Sync + 'static>(self) -> OpenApiRouter<S> {
        let document = self.openapi();
        with_document(self.into_router(), document)
    }
}

fn describe<C>(
    route: AccountRoute,
    path: &str,
    routes: &DescribedAccountRoutes<C>,
    protection: &Protection,
) -> Route {
    match route {
        AccountRoute::SignUp => sign_up(path, routes),
        AccountRoute::VerifyEmail => {
            let body = object().member("token", string("The token in the mail."));
            open(path, "Verify an e-mail address", routes)
                .json(body, missing(&["token"]))
                .errors([RequestErrorKind::InvalidToken])
                .no_content("The address is verified.")
        }
        AccountRoute::ResendVerification => {
            let route = open(path, "Send another mail to verify an e-mail address", routes);
            mail_to_anybody(route, routes)
        }
        AccountRoute::ShowAccount => {
            protected(HttpMethod::Get, path, "Show the account", protection)
                .ok("The account.", Ref::from_schema_name(ACCOUNT_SCHEMA))
        }
        AccountRoute::UpdateAccount => {
            let body = object()
                .property("username", string("A new name."))
                .property("email", email("A new address, which counts once it is verified."));
            let invalid = invalid("username", "A user with that username already exists.");
            let route = protected(HttpMethod::Patch, path, "Change the account", protection)
                .json(body, invalid)
                .ok("The account.", Ref::from_schema_name(ACCOUNT_SCHEMA));
            throttled(route, routes.limits_mails)
        }
        AccountRoute::DeleteAccount => {
            let body = object().member("password", password("The password of the user."));
            let route = protected(HttpMethod::Delete, path, "Delete the account", protection)
                .json(body, missing(&["password"]))
                .no_content("The account does not exist any more, and its sessions have ended.");
            let route = throttled(route, routes.limits_passwords);
            if routes.has_cookies {
                route.header(SET_COOKIE.as_str(), deleted_cookies())
            } else {
                route
            }
        }
        AccountRoute::ChangePassword => {
            let body = object()
                .member("current", password("The password of the user."))
                .member("new", password("The new password."));
            let route = protected(HttpMethod::Post, path, "Change the password", protection)
                .json(body, missing(&["current", "new"]))
                .no_content("The password has changed, and all other sessions have ended.");
            throttled(route, routes.limits_passwords)
        }
        AccountRoute::RequestReset => {
            mail_to_anybody(open(path, "Send a mail to reset the password", routes), routes)
        }
        AccountRoute::ConfirmReset => {
            let body = object()
                .member("token", string("The token in the mail."))
                .member("password", password("The new password."));
            open(path, "Reset the password", routes)
                .json(body, missing(&["token", "password"]))
                .errors([RequestErrorKind::InvalidToken])
                .no_content("The password has changed, and all sessions have ended.")
        }
        #[cfg(feature = "totp")]
        AccountRoute::EnrolTotp => enrol_totp(path, protection),
        #[cfg(feature = "totp")]
        AccountRoute::ConfirmTotp => confirm_totp(path, protection),
        #[cfg(feature = "totp")]
        AccountRoute::DisableTotp => {
            throttled(disable_totp(path, protection), routes.limits_passwords)
        }
    }
}

/// The first step to codes of an authenticator app.
#[cfg(feature = "totp")]
fn enrol_totp(path: &str, protection: &Protection) -> Route {
    let enrolment = object()
        .member("secret", string("The secret, for apps that do not read QR codes."))
        .member("uri", string("The `otpauth` URI with the secret."))
        .member("qr", string("The QR code of the URI, as SVG."));
    protected(HttpMethod::Post, path, "Make a secret for an authenticator app", protection)
        .unread_body()
        .errors([RequestErrorKind::TotpEnabled])
        .ok("The secret.", enrolment)
}

/// The second step, after which logins require codes.
#[cfg(feature = "totp")]
fn confirm_totp(path: &str, protection: &Protection) -> Route {
    let body = object().member("code", string("A code of the app."));
    let codes = object().member("recovery_codes", list("Each works once.", string("A code.")));
    protected(HttpMethod::Post, path, "Enable codes of the authenticator app", protection)
        .json(body, missing(&["code"]))
        .errors([RequestErrorKind::TotpEnabled, RequestErrorKind::TotpNotEnrolled])
        .ok("The recovery codes.", codes)
}

#[cfg(feature = "totp")]
fn disable_totp(path: &str, protection: &Protection) -> Route {
    let body = object().member("password", password("The password of the user."));
    protected(HttpMethod::Delete, path, "Disable codes of authenticator apps", protection)
        .json(body, missing(&["password"]))
        .no_content("Logins need no code.")
}

fn sign_up<C>(path: &str, routes: &DescribedAccountRoutes<C>) -> Route {
    let sign_up = &routes.sign_up;
    let (username, address) = (string("The name of the user."), email("The e-mail address."));
    let mut names = vec!["password"];
    let mut body = object();
    if sign_up.requires_username {
        names.push("username");
        body = body.member("username", username);
    } else {
        body = body.property("username", username);
    }
    if sign_up.requires_email {
        names.push("email");
        body = body.member("email", address);
    } else {
        body = body.property("email", address);
    }
    body = body.member("password", password("The password."));
    if sign_up.has_tokens {
        body = body.property("tokens", boolean("Whether the response has tokens."));
    }
    let route = open(path, "Sign up", routes).json(body, missing(&names));
    let route = throttled(route, routes.limits_sign_ups);
    let dpop = routes.dpop.as_ref().filter(|_| sign_up.has_tokens);
    let route = route.optional_binding(dpop);
    if sign_up.is_enumeration_safe {
        return accepted(route);
    }
    let account = Ref::from_schema_name(ACCOUNT_SCHEMA);
    let route = if sign_up.has_tokens {
        let tokens = object()
            .property("access", string("The access token."))
            .property("refresh", string("The refresh token."));
        let tokens =
            if dpop.is_some() { tokens.property("token_type", token_type()) } else { tokens };
        let account = AllOfBuilder::new().item(account).item(tokens);
        created(route, account.into())
    } else {
        created(route, account.into())
    };
    if sign_up.has_cookies { route.header(SET_COOKIE.as_str(), new_cookies()) } else { route }
}

fn created(route: Route, schema: RefOr<Schema>) -> Route {
    let content = Some(("application/json", schema));
    route.response(StatusCode::CREATED, "The account.", content)
}

/// `POST` to a route for everybody.
fn open<C>(path: &str, summary: &'static str, routes: &DescribedAccountRoutes<C>) -> Route {
    let route = Route::new(HttpMethod::Post, path, summary)
        .errors([AuthErrorKind::Unavailable, AuthErrorKind::Overloaded]);
    if routes.has_cookies { route.errors([AuthErrorKind::CrossSiteRequest]) } else { route }
}

/// A route for requests with an access token.
fn protected(
    method: HttpMethod,
    path: &str,
    summary: &'static str,
    protection: &Protection,
) -> Route {
    Route::new(method, path, summary)
        .protected(protection)
        .errors([AuthErrorKind::UserInactive, AuthErrorKind::Overloaded])
}

/// A route that sends a mail to an address of an account, and responds alike to all addresses.
fn mail_to_anybody<C>(route: Route, routes: &DescribedAccountRoutes<C>) -> Route {
    let body = object().member("email", email("The address."));
    let route = route.json(body, missing(&["email"]));
    accepted(throttled(route, routes.limits_mails))
}

/// Responds with `202`, whatever happens next.
fn accepted(route: Route) -> Route {
    let body: ObjectBuilder = object().member("detail", string("For people."));
    let content = Some(("application/json", body.into()));
    let description = "The response is the same whether or not there is such an account.";
    route.response(StatusCode::ACCEPTED, description, content)
}

fn throttled(route: Route, is_limited: bool) -> Route {
    if is_limited { route.errors([AuthErrorKind::Throttled]) } else { route }
}

/// The error of a body without the fields `names`.
fn missing(names: &[&str]) -> Option<RouteError> {
    let problem = vec!["This field is required.".to_owned()];
    let errors = names.iter().map(|name| ((*name).to_owned(), problem.clone()));
    Some(RequestError::invalid_fields(&FieldErrors::from_iter(errors)).into())
}

fn invalid(name: &str, problem: &str) -> Option<RouteError> {
    Some(RequestError::invalid_field(name, problem).into())
}
