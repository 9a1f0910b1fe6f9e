//! The views: [`SimpleJwtViews`].

mod body;
mod response;

use std::time::Duration;

use axum::{
    Router,
    extract::Request,
    response::Response,
    routing::{MethodRouter, any},
};
use http::{
    HeaderValue, Method, StatusCode,
    header::{ALLOW, CACHE_CONTROL},
};
use serde_json::{Map, Value, json};
use zeroize::Zeroizing;

use crate::{
    error::ConfigError,
    routes::{BodyLimits, is_path},
    user::Fields,
};

use super::{
    error::SimpleJwtError,
    json_object::JsonObject,
    respond::{json_response, respond},
    simple_jwt::SimpleJwt,
};

use response::Problem;

/// SimpleJWT's views, one by one or all below one path.
#[derive(Clone, Debug)]
#[must_use]
pub struct SimpleJwtViews {
    jwt: SimpleJwt,
    limits: BodyLimits,
}

#[derive(Clone, Copy)]
enum View {
    ObtainPair,
    Refresh,
    Verify,
    Blacklist,
    ObtainSliding,
    RefreshSliding,
}

impl View {
    /// The name in the response to `OPTIONS`.
    const fn name(self) -> &'static str {
        match self {
            Self::ObtainPair => "Token Obtain Pair",
            Self::Refresh => "Token Refresh",
            Self::Verify => "Token Verify",
            Self::Blacklist => "Token Blacklist",
            Self::ObtainSliding => "Token Obtain Sliding",
            Self::RefreshSliding => "Token Refresh Sliding",
        }
    }
}

impl SimpleJwt {
    /// SimpleJWT's views.
    ///
    /// # Errors
    ///
    /// [`Ineffective`](crate::ConfigErrorKind::Ineffective) without
    /// [users](super::SimpleJwtBuilder::users) or without a signing key.
    pub fn views(&self) -> Result<SimpleJwtViews, ConfigError> {
        if self.0.users.is_none() {
            return Err(ConfigError::ineffective(
                "SimpleJwt::views requires a database: set SimpleJwtBuilder::users",
            ));
        }
        if self.0.keys.load().signing_key().is_none() {
            return Err(ConfigError::ineffective("SimpleJwt::views requires a SIGNING_KEY"));
        }
        Ok(SimpleJwtViews { jwt: self.clone(), limits: BodyLimits::default() })
    }
}

impl SimpleJwtViews {
    /// Sets the time until the whole body of a request must have been received, at most 300 seconds.
    /// After it the response is `408`. Default: 10 seconds.
    ///
    /// Without it, a client that sends one byte per hour would occupy a connection.
    ///
    /// # Errors
    ///
    /// [`OutOfRange`](crate::ConfigErrorKind::OutOfRange) if `timeout` is zero or more than 300
    /// seconds.
    pub fn with_body_timeout(mut self, timeout: Duration) -> Result<Self, ConfigError> {
        self.limits.timeout = timeout;
        self.limits.check()?;
        Ok(self)
    }

    /// All views below `base`, such as `/api/token`: `/`, `/refresh/`, `/verify/`, `/blacklist/`,
    /// `/sliding/` and `/sliding/refresh/`, each with and without the trailing slash.
    ///
    /// # Errors
    ///
    /// [`OutOfRange`](crate::ConfigErrorKind::OutOfRange) unless `base` is empty, or a slash
    /// followed by letters, digits and `/-._~`.
    pub fn router<S: Clone + Send + Sync + 'static>(
        &self,
        base: &str,
    ) -> Result<Router<S>, ConfigError> {
        let base = base.trim_end_matches('/');
        if !base.is_empty() && !is_path(base) {
            return Err(ConfigError::out_of_range(
                "the path of the views must begin with a slash and contain only letters, digits \
                 and /-._~",
            ));
        }
        let views = [
            ("", self.token_obtain_pair()),
            ("/refresh", self.token_refresh()),
            ("/verify", self.token_verify()),
            ("/blacklist", self.token_blacklist()),
            ("/sliding", self.token_obtain_sliding()),
            ("/sliding/refresh", self.token_refresh_sliding()),
        ];
        let mut router = Router::new();
        for (path, view) in views {
            let path = format!("{base}{path}");
            router = router.route(&format!("{path}/"), view.clone());
            if !path.is_empty() {
                router = router.route(&path, view);
            }
        }
        Ok(router)
    }

    /// `TokenObtainPairView`: exchanges credentials for a refresh token and an access token.
    pub fn token_obtain_pair<S: Clone + Send + Sync + 'static>(&self) -> MethodRouter<S> {
        self.view(View::ObtainPair)
    }

    /// `TokenRefreshView`: exchanges a refresh token for an access token and, with rotation, a new
    /// refresh token.
    pub fn token_refresh<S: Clone + Send + Sync + 'static>(&self) -> MethodRouter<S> {
        self.view(View::Refresh)
    }

    /// `TokenVerifyView`: verifies a token.
    pub fn token_verify<S: Clone + Send + Sync + 'static>(&self) -> MethodRouter<S> {
        self.view(View::Verify)
    }

    /// `TokenBlacklistView`: blacklists a refresh token.
    pub fn token_blacklist<S: Clone + Send + Sync + 'static>(&self) -> MethodRouter<S> {
        self.view(View::Blacklist)
    }

    /// `TokenObtainSlidingView`: exchanges credentials for a sliding token.
    pub fn token_obtain_sliding<S: Clone + Send + Sync + 'static>(&self) -> MethodRouter<S> {
        self.view(View::ObtainSliding)
    }

    /// `TokenRefreshSlidingView`: exchanges a sliding token for a copy that expires later.
    pub fn token_refresh_sliding<S: Clone + Send + Sync + 'static>(&self) -> MethodRouter<S> {
        self.view(View::RefreshSliding)
    }

    fn view<S: Clone + Send + Sync + 'static>(&self, view: View) -> MethodRouter<S> {
        let views = self.clone();
        any(move |request: Request| async move { views.respond(view, request).await })
    }

    async fn respond(&self, view: View, request: Request) -> Response {
        let mut response = match request.method().clone() {
            Method::POST => self.post(view, request).await,
            Method::OPTIONS => options(view),
            method => {
                let detail = format!("Method \"{method}\" not allowed.");
                response::detail(StatusCode::METHOD_NOT_ALLOWED, detail).respond()
            }
        };
        let headers = response.headers_mut();
        headers.insert(ALLOW, HeaderValue::from_static("POST, OPTIONS"));
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        response
    }

    async fn post(&self, view: View, request: Request) -> Response {
        let fields = match body::read(request, self.limits).await {
            Ok(members) => Fields::new(stripped(members)),
            Err(problem) => return problem.respond(),
        };
        match self.call(view, fields).await {
            Ok(members) => response::object(StatusCode::OK, &members),
            Err(Failure::Request(problem)) => problem.respond(),
            Err(Failure::Token(error)) => respond(&error, &self.jwt.0.header.challenge),
        }
    }

    /// The members of the response.
    async fn call(&self, view: View, mut fields: Fields) -> Result<JsonObject, Failure> {
        let jwt = &self.jwt;
        let mut members = JsonObject::default();
        match view {
            View::ObtainPair | View::ObtainSliding => {
                let username_field = jwt.users()?.username_field();
                let username = fields.required_string(username_field);
                let password = fields.required_string("password").map(Zeroizing::new);
                let (Some(username), Some(password)) = (username, password) else {
                    let names = [username_field, "password"];
                    return Err(response::invalid_fields(fields.errors(), &names).into());
                };
                let user = jwt.authenticate(&username, &password).await?;
                if let Some(extras) = &jwt.0.hooks.response_extras {
                    for (name, value) in extras(&user) {
                        members.set(&name, value);
                    }
                }
                if matches!(view, View::ObtainPair) {
                    let pair = jwt.tokens_for(&user).await?;
                    members.set("refresh", pair.refresh);
                    members.set("access", pair.access);
                } else {
                    let token = jwt.sliding_token_for(&user).await?;
                    members.set("token", token);
                }
                jwt.record_login(&user).await?;
            }
            View::Refresh => {
                let refreshed = jwt.refresh(&field(&mut fields, "refresh")?).await?;
                members.set("access", refreshed.access);
                if let Some(refresh) = refreshed.refresh {
                    members.set("refresh", refresh);
                }
            }
            View::RefreshSliding => {
                let token = jwt.refresh_sliding(&field(&mut fields, "token")?).await?;
                members.set("token", token);
            }
            View::Verify => jwt.verify(&field(&mut fields, "token")?).await?,
            View::Blacklist => jwt.blacklist(&field(&mut fields, "refresh")?).await?,
        }
        Ok(members)
    }
}

/// The string in the field `name`.
fn field(fields: &mut Fields, name: &str) -> Result<String, Problem> {
    let value = fields.required_string(name);
    value.ok_or_else(|| response::invalid_fields(fields.errors(), &[name]))
}

/// Trims strings as Python's `str.strip` does, and writes numbers as strings, as Django does.
fn stripped(mut members: Map<String, Value>) -> Map<String, Value> {
    let is_blank = |char: char| char.is_whitespace() || ('\u{1c}'..='\u{1f}').contains(&char);
    for value in members.values_mut() {
        match value {
            Value::String(text) => {
                text.truncate(text.trim_end_matches(is_blank).len());
                let start = text.len() - text.trim_start_matches(is_blank).len();
                text.drain(..start);
            }
            Value::Number(number) => *value = Value::String(number.to_string()),
            _ => {}
        }
    }
    members
}

fn options(view: View) -> Response {
    let body = json!({
        "name": view.name(),
        "renders": ["application/json"],
        "parses": ["application/json", "application/x-www-form-urlencoded", "multipart/form-data"],
    });
    json_response(StatusCode::OK, body.to_string())
}

enum Failure {
    Request(Problem),
    Token(SimpleJwtError),
}

impl From<Problem> for Failure {
    fn from(problem: Problem) -> Self {
        Self::Request(problem)
    }
}

impl From<SimpleJwtError> for Failure {
    fn from(error: SimpleJwtError) -> Self {
        Self::Token(error)
    }
}
