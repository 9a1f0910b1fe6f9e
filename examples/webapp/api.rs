//! The routes of the application itself.

use std::error::Error;

use axum::{
    Json, Router,
    extract::{
        DefaultBodyLimit, Query, State,
        rejection::{JsonRejection, QueryRejection},
    },
    http::{
        HeaderName, StatusCode,
        header::{CACHE_CONTROL, CONTENT_DISPOSITION},
    },
    response::{IntoResponse, Response},
    routing::{get, post},
};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use tower_jwt_auth::{
    AuthError, AuthErrorKind, Claims, Issuer, JwtAuthLayer,
    password::{PasswordCheckError, PasswordRules, UserAttributes},
    totp::Totp,
    user::{AccountBackend, Fields, SecondFactor, SqlUsers},
};

use crate::{notes::Notes, socket, users::Profile};

/// The path of the download, for which tickets are issued.
const EXPORT: &str = "/api/export";
const MAX_NOTE_CHARS: usize = 1000;
const NO_STORE: [(HeaderName, &str); 1] = [(CACHE_CONTROL, "no-store")];

#[derive(Clone)]
pub(crate) struct App {
    pub(crate) issuer: Issuer<Profile>,
    pub(crate) users: SqlUsers<Profile>,
    pub(crate) totp: Totp,
    pub(crate) notes: Notes,
    pub(crate) password_rules: PasswordRules,
}

/// The limits of the account routes, in bytes and characters.
const MAX_BODY: usize = 16 * 1024;
const MAX_NAME_CHARS: usize = 254;

/// The body of a request, if it is a JSON object.
type Body = Result<Json<Map<String, Value>>, JsonRejection>;

pub(crate) fn routes(app: App, auth: JwtAuthLayer<Profile>) -> Router {
    Router::new()
        .route("/api/notes", get(notes).post(add_note))
        .route("/api/security", get(security))
        .route("/ws", get(socket::open))
        .route_layer(auth)
        // By default, axum calls the handler of GET for HEAD too, which would use the ticket up.
        .route(EXPORT, get(export).head(async || StatusCode::METHOD_NOT_ALLOWED))
        .route("/api/password-rules", post(check_password).layer(DefaultBodyLimit::max(MAX_BODY)))
        .route("/health", get(health))
        .with_state(app)
}

async fn notes(
    State(app): State<App>,
    claims: Claims<Profile>,
) -> Result<impl IntoResponse, AuthError> {
    let notes = app.notes.of(claims.user_id()).await.map_err(unavailable)?;
    Ok((NO_STORE, Json(notes)))
}

async fn add_note(
    State(app): State<App>,
    claims: Claims<Profile>,
    body: Body,
) -> Result<Response, AuthError> {
    let mut fields = match fields(body) {
        Ok(fields) => fields,
        Err((status, code, detail)) => return Ok(error(status, code, detail)),
    };
    let text = fields.required_string("text");
    if text.as_ref().is_some_and(|text| text.chars().count() > MAX_NOTE_CHARS) {
        let problem = format!("Ensure this field has no more than {MAX_NOTE_CHARS} characters.");
        fields.error("text", problem);
    }
    match text {
        Some(text) if fields.errors().is_empty() => {
            let note = app.notes.add(claims.user_id(), text).await.map_err(unavailable)?;
            Ok((StatusCode::CREATED, NO_STORE, Json(note)).into_response())
        }
        _ => Ok(invalid_fields(&fields)),
    }
}

#[derive(Deserialize)]
struct ExportQuery {
    ticket: String,
}

/// The notes as a file. A download cannot send headers, so a ticket in the URL shows who the user
/// is. It works once, so it does no harm in logs and in the history.
async fn export(
    State(app): State<App>,
    query: Result<Query<ExportQuery>, QueryRejection>,
) -> Result<Response, AuthError> {
    let Ok(Query(ExportQuery { ticket })) = query else {
        let detail = "The parameter `ticket` is missing.";
        return Ok(error(StatusCode::BAD_REQUEST, "invalid_request", detail));
    };
    let claims = app.issuer.redeem_ticket(&ticket, EXPORT).await?;
    let notes = app.notes.of(claims.user_id()).await.map_err(unavailable)?;
    let headers = [(CONTENT_DISPOSITION, "attachment; filename=\"notes.json\"")];
    Ok((NO_STORE, headers, Json(notes)).into_response())
}

/// What the page shows beside the profile.
async fn security(
    State(app): State<App>,
    claims: Claims<Profile>,
) -> Result<impl IntoResponse, AuthError> {
    let account = app.users.account(claims.user_id()).await?;
    let body = json!({
        "email_verified": account.is_some_and(|account| account.is_verified()),
        "second_factor": app.totp.is_enabled(claims.user_id()).await?,
    });
    Ok((NO_STORE, Json(body)))
}

/// What is wrong with a new password, for forms that show it while the user types. The routes that
/// set passwords check them again.
async fn check_password(State(app): State<App>, body: Body) -> Result<Response, AuthError> {
    let mut fields = match fields(body) {
        Ok(fields) => fields,
        Err((status, code, detail)) => return Ok(error(status, code, detail)),
    };
    let mut attribute = |name| match fields.take(name) {
        // Comparing a password with longer names would take long.
        Some(Value::String(value)) => value.chars().take(MAX_NAME_CHARS).collect(),
        _ => String::new(),
    };
    let user =
        UserAttributes::new().with_username(attribute("username")).with_email(attribute("email"));
    let problems = match app.password_rules.check(&attribute("password"), &user).await {
        Ok(()) => Vec::new(),
        Err(PasswordCheckError::Rejected(problems)) => {
            problems.iter().map(|problem| problem.message().to_owned()).collect()
        }
        Err(error) => return Err(unavailable(error)),
    };
    Ok((NO_STORE, Json(json!({ "problems": problems }))).into_response())
}

async fn health(State(app): State<App>) -> Result<&'static str, AuthError> {
    app.issuer.check_store().await?;
    Ok("ok\n")
}

pub(crate) async fn not_found() -> Response {
    error(StatusCode::NOT_FOUND, "not_found", "Not found.")
}

pub(crate) fn error(status: StatusCode, code: &str, detail: &str) -> Response {
    (status, Json(json!({ "detail": detail, "code": code }))).into_response()
}

/// A `503`.
fn unavailable(error: impl Error) -> AuthError {
    eprintln!("webapp: {error}");
    AuthErrorKind::Unavailable.into()
}

/// The fields of a body, or the status, code and detail of its rejection.
fn fields(body: Body) -> Result<Fields, (StatusCode, &'static str, &'static str)> {
    let rejection = match body {
        Ok(Json(values)) => return Ok(Fields::new(values)),
        Err(rejection) => rejection,
    };
    Err(match rejection.status() {
        status @ StatusCode::UNSUPPORTED_MEDIA_TYPE => {
            (status, "unsupported_media_type", "The request body must be application/json.")
        }
        status @ StatusCode::PAYLOAD_TOO_LARGE => {
            (status, "body_too_large", "The request body is too large.")
        }
        // Invalid JSON, another JSON type than an object, or a body that was not received.
        _ => (StatusCode::BAD_REQUEST, "invalid_body", "The request body must be a JSON object."),
    })
}

fn invalid_fields(fields: &Fields) -> Response {
    let detail = "The request body is invalid.";
    let body = json!({ "detail": detail, "code": "invalid_body", "errors": fields.errors() });
    (StatusCode::BAD_REQUEST, Json(body)).into_response()
}
