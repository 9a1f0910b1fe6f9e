//! The views: [`SimpleJwtViews`].

mod body;
mod python_json;
mod response;

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

use crate::{error::ConfigError, routes::is_path, user::Fields};

use super::{
    error::SimpleJwtError,
    json_object::JsonObject,
    respond::{json_response, respond},
    simple_jwt::SimpleJwt,
};

use response::Problem;

/// The views of SimpleJWT: each alone, or all of them below one path.
#[derive(Clone, Debug)]
#[must_use]
pub struct SimpleJwtViews(SimpleJwt);

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
    /// What `OPTIONS` calls it.
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
    /// The views.
    ///
    /// # Errors
    ///
    /// When there are no users to log in, or no key that signs.
    pub fn views(&self) -> Result<SimpleJwtViews, ConfigError> {
        if self.0.users.is_none() {
            return Err(ConfigError::ineffective("the views need a database, and none was given"));
        }
        if self.0.keys.load().signing_key().is_none() {
            return Err(ConfigError::ineffective(
                "the views need a SIGNING_KEY, and there is none",
            ));
        }
        Ok(SimpleJwtViews(self.clone()))
    }
}

impl SimpleJwtViews {
    /// All views below `base`, such as `/api/token`, with and without a slash at the end: `/`,
    /// `/refresh/`, `/verify/`, `/blacklist/`, `/sliding/`, `/sliding/refresh/`.
    ///
    /// # Errors
    ///
    /// When `base` is neither empty nor a path: a slash, then letters, digits and `/-._~`.
    pub fn router<S: Clone + Send + Sync + 'static>(
        &self,
        base: &str,
    ) -> Result<Router<S>, ConfigError> {
        let base = base.trim_end_matches('/');
        if !base.is_empty() && !is_path(base) {
            return Err(ConfigError::out_of_range(
                "a path must begin with a slash and hold only letters, digits and /-._~",
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

    /// `TokenObtainPairView`: a refresh and an access token for a user name and a password.
    pub fn token_obtain_pair<S: Clone + Send + Sync + 'static>(&self) -> MethodRouter<S> {
        self.view(View::ObtainPair)
    }

    /// `TokenRefreshView`: an access token for a refresh token, and with rotation a new one of
    /// these.
    pub fn token_refresh<S: Clone + Send + Sync + 'static>(&self) -> MethodRouter<S> {
        self.view(View::Refresh)
    }

    /// `TokenVerifyView`: whether a token is good.
    pub fn token_verify<S: Clone + Send + Sync + 'static>(&self) -> MethodRouter<S> {
        self.view(View::Verify)
    }

    /// `TokenBlacklistView`: blacklists a refresh token.
    pub fn token_blacklist<S: Clone + Send + Sync + 'static>(&self) -> MethodRouter<S> {
        self.view(View::Blacklist)
    }

    /// `TokenObtainSlidingView`: a sliding token for a user name and a password.
    pub fn token_obtain_sliding<S: Clone + Send + Sync + 'static>(&self) -> MethodRouter<S> {
        self.view(View::ObtainSliding)
    }

    /// `TokenRefreshSlidingView`: a sliding token, good for longer.
    pub fn token_refresh_sliding<S: Clone + Send + Sync + 'static>(&self) -> MethodRouter<S> {
        self.view(View::RefreshSliding)
    }

    fn view<S: Clone + Send + Sync + 'static>(&self, view: View) -> MethodRouter<S> {
        let views = self.clone();
        any(move |request: Request| async move { views.answer(view, request).await })
    }

    async fn answer(&self, view: View, request: Request) -> Response {
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
        let fields = match body::read(request).await {
            Ok(members) => Fields::new(stripped(members)),
            Err(problem) => return problem.respond(),
        };
        match self.act(view, fields).await {
            Ok(members) => response::members(StatusCode::OK, &members),
            Err(Failure::Problem(problem)) => problem.respond(),
            Err(Failure::SimpleJwtError(refusal)) => respond(&refusal, &self.0.0.header.challenge),
        }
    }

    async fn act(&self, view: View, mut fields: Fields) -> Result<JsonObject, Failure> {
        let jwt = &self.0;
        let mut members = JsonObject::default();
        match view {
            View::ObtainPair | View::ObtainSliding => {
                let username_field = jwt.users()?.username_field();
                let username = fields.required_string(username_field);
                let password = fields.required_string("password").map(Zeroizing::new);
                let (Some(username), Some(password)) = (username, password) else {
                    return Err(response::invalid_fields(
                        fields.errors(),
                        &[username_field, "password"],
                    )
                    .into());
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
                let refreshed = jwt.refresh(&text(&mut fields, "refresh")?).await?;
                members.set("access", refreshed.access);
                if let Some(refresh) = refreshed.refresh {
                    members.set("refresh", refresh);
                }
            }
            View::RefreshSliding => {
                let token = jwt.refresh_sliding(&text(&mut fields, "token")?).await?;
                members.set("token", token);
            }
            View::Verify => jwt.verify(&text(&mut fields, "token")?).await?,
            View::Blacklist => jwt.blacklist(&text(&mut fields, "refresh")?).await?,
        }
        Ok(members)
    }
}

/// The text in the field `name`.
fn text(fields: &mut Fields, name: &str) -> Result<String, Problem> {
    let text = fields.required_string(name);
    text.ok_or_else(|| response::invalid_fields(fields.errors(), &[name]))
}

/// The members of a body, texts without the blanks around them, as Python's `str.strip` leaves them.
fn stripped(mut members: Map<String, Value>) -> Map<String, Value> {
    let is_blank = |char: char| char.is_whitespace() || ('\u{1c}'..='\u{1f}').contains(&char);
    for value in members.values_mut() {
        if let Value::String(text) = value {
            text.truncate(text.trim_end_matches(is_blank).len());
            let start = text.len() - text.trim_start_matches(is_blank).len();
            text.drain(..start);
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
    Problem(Problem),
    SimpleJwtError(SimpleJwtError),
}

impl From<Problem> for Failure {
    fn from(problem: Problem) -> Self {
        Self::Problem(problem)
    }
}

impl From<SimpleJwtError> for Failure {
    fn from(refusal: SimpleJwtError) -> Self {
        Self::SimpleJwtError(refusal)
    }
}
