use axum::response::Response;
use http::StatusCode;
use serde_json::{Value, json};

use crate::{
    error::AuthError, issue::Tokens, middleware::JwtAuthLayer, transport::SessionCookies,
    user::User,
};

use super::{
    super::{
        cookies::with_cookies,
        login::{DescribeUser, Logins},
        rejection::RouteRejection,
        response::ok,
    },
    set_cookies::SetCookies,
};

/// The state of the handlers.
pub(super) struct SessionState<U, C, R> {
    pub(super) logins: Logins<U, C, R>,
    pub(super) cookies: SessionCookies,
    /// The base path of all routes, without a slash at its end.
    pub(super) base: String,
    /// The base path of the session list.
    pub(super) list_base: String,
    pub(super) describe_user: Option<DescribeUser<C, R>>,
    pub(super) rejection: RouteRejection,
}

impl<U, C, R> SessionState<U, C, R> {
    /// The layer of the routes that require an access token.
    pub(super) fn layer(&self) -> JwtAuthLayer<C, RouteRejection> {
        let layer = self.logins.issuer.layer().with_cookies(&self.cookies);
        layer.with_rejection(self.rejection.clone())
    }

    /// The body of a response that describes `user`.
    pub(super) fn described(&self, user: &User<C, R>) -> Value {
        let members = match &self.describe_user {
            Some(describe) => Value::Object(describe(user)),
            None => json!({ "id": user.id() }),
        };
        json!({ "user": members })
    }

    /// A response that sets the cookies to `tokens`.
    pub(super) fn signed_in(&self, tokens: &Tokens, body: &Value) -> Result<Response, AuthError> {
        Ok(with_cookies(ok(body), self.cookies_for(tokens)?))
    }

    pub(super) fn cookies_for(&self, tokens: &Tokens) -> Result<SetCookies, AuthError> {
        SetCookies::new(&self.cookies, tokens, self.logins.issuer.now())
    }

    /// Rejects a refresh. Clears the cookies if they can never be refreshed again.
    pub(super) fn refresh_rejected(&self, error: AuthError) -> Response {
        let is_final = error.kind().status() == StatusCode::UNAUTHORIZED;
        let response = self.rejection.respond(error);
        if is_final { with_cookies(response, self.cookies.clear()) } else { response }
    }
}
