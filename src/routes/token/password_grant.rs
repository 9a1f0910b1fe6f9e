//! The password grant of [RFC 6749 section 4.3].
//!
//! [RFC 6749 section 4.3]: https://www.rfc-editor.org/rfc/rfc6749#section-4.3

use std::sync::Arc;

use axum::{extract::Request, response::Response};
use http::{
    HeaderValue, StatusCode,
    header::{CONTENT_LENGTH, CONTENT_TYPE, WWW_AUTHENTICATE},
};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Value, json};

use crate::{issue::Tokens, user::UserBackend};

use super::{
    super::{
        form::Form,
        oauth_error,
        request_error::{RequestError, RequestErrorKind},
        response::ok,
        route_error::RouteError,
    },
    handlers::TokenState,
};

/// Parameters that are not credentials of the user.
const IGNORED: [&str; 3] = ["client_id", "client_secret", "scope"];

impl<U, C, R> TokenState<U, C, R>
where
    U: UserBackend<C, R>,
    C: Serialize + DeserializeOwned + Send + Sync + 'static,
    R: Serialize + DeserializeOwned + Send + Sync + 'static,
{
    pub(super) async fn password_grant(
        self: Arc<Self>,
        request: Request,
    ) -> Result<Response, RouteError> {
        match self.granted(request).await {
            Ok(tokens) => Ok(ok(&self.grant_response(&tokens))),
            Err(error) => {
                let mut response = oauth_error::rejection().respond(error);
                // A challenge asks the client to authenticate, not the user.
                if response.status() != StatusCode::UNAUTHORIZED {
                    response.headers_mut().remove(WWW_AUTHENTICATE);
                }
                Ok(response)
            }
        }
    }

    async fn granted(&self, request: Request) -> Result<Tokens, RouteError> {
        let logins = &self.logins;
        let proof = self.proof(&request)?;
        let (mut head, body) = request.into_parts();
        let mut form = Form::read(&head.headers, body, &logins.bodies.limits).await?;
        match form.take("grant_type").as_deref() {
            Some("password") => {}
            Some(_) => return Err(RequestErrorKind::UnsupportedGrantType.into()),
            None => {
                let detail = "The parameter grant_type is missing.";
                return Err(RequestError::invalid_body(detail).into());
            }
        }
        let credentials = form.into_parameters().filter(|(name, _)| !IGNORED.contains(&&**name));
        // RFC 6749 fixes the names of the parameters.
        let fields = credentials.map(|(name, value)| {
            (logins.bodies.client_name(&name).to_owned(), Value::String(value))
        });
        let body = Value::Object(fields.collect()).to_string();
        head.headers.remove(CONTENT_LENGTH);
        head.headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        let (tokens, _) = logins.log_in(Request::from_parts(head, body.into()), proof).await?;
        Ok(tokens)
    }

    /// The response of [RFC 6749 section 5.1](https://www.rfc-editor.org/rfc/rfc6749#section-5.1).
    fn grant_response(&self, tokens: &Tokens) -> Value {
        let lifetime =
            tokens.access_expires_at().saturating_duration_since(self.logins.issuer.now());
        let mut body = json!({
            "access_token": tokens.access(),
            "token_type": if tokens.is_bound() { "DPoP" } else { "Bearer" },
            "expires_in": lifetime.as_secs(),
        });
        if let Some(refresh) = tokens.refresh() {
            body["refresh_token"] = refresh.into();
        }
        body
    }
}
