//! The routes of the application.

use std::time::Duration;

use axum::{
    Json, Router,
    extract::{Path, State, rejection::PathRejection},
    http::StatusCode,
    response::{IntoResponse, Response},
    routing::{delete, get, post},
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use time::{OffsetDateTime, serde::rfc3339};
use tower_jwt_auth::{AuthError, Claims, Issuer, JwtAuthLayer, NumericDate};

#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Profile {
    pub(crate) username: String,
    pub(crate) is_admin: bool,
}

pub(crate) fn routes(issuer: Issuer<Profile>, auth: JwtAuthLayer<Profile>) -> Router {
    Router::new()
        .route("/api/me", get(me))
        .route("/api/admin", get(admin))
        .route("/api/logout-all", post(logout_all))
        .route("/api/sessions", get(sessions))
        .route("/api/sessions/{id}", delete(end_session))
        .route_layer(auth)
        .route("/", get(|| async { "public\n" }))
        .route("/health", get(health))
        .fallback(not_found)
        .with_state(issuer)
}

async fn me(claims: Claims<Profile>) -> Json<Value> {
    let Profile { username, is_admin } = &*claims;
    Json(json!({ "user_id": claims.user_id(), "username": username, "is_admin": is_admin }))
}

async fn admin(claims: Claims<Profile>) -> Result<&'static str, AuthError> {
    claims.require(|profile| profile.is_admin)?;
    Ok("welcome, admin\n")
}

async fn logout_all(
    State(issuer): State<Issuer<Profile>>,
    claims: Claims<Profile>,
) -> Result<Json<Value>, AuthError> {
    issuer.revoke_user(claims.user_id()).await?;
    Ok(Json(json!({})))
}

#[derive(Serialize)]
struct SessionInfo {
    id: String,
    #[serde(with = "rfc3339")]
    created_at: OffsetDateTime,
    #[serde(with = "rfc3339")]
    last_used_at: OffsetDateTime,
    #[serde(with = "rfc3339")]
    expires_at: OffsetDateTime,
    current: bool,
}

async fn sessions(
    State(issuer): State<Issuer<Profile>>,
    claims: Claims<Profile>,
) -> Result<Json<Vec<SessionInfo>>, AuthError> {
    let sessions = issuer.sessions(claims.user_id()).await?;
    let infos = sessions.into_iter().map(|session| SessionInfo {
        current: claims.session_id() == Some(&*session.id),
        id: session.id.into(),
        created_at: date_time(session.created_at),
        last_used_at: date_time(session.last_used_at),
        expires_at: date_time(session.expires_at),
    });
    Ok(Json(infos.collect()))
}

async fn end_session(
    State(issuer): State<Issuer<Profile>>,
    claims: Claims<Profile>,
    session_id: Result<Path<String>, PathRejection>,
) -> Result<Response, AuthError> {
    let Ok(Path(session_id)) = session_id else {
        return Ok(not_found().await);
    };
    let sessions = issuer.sessions(claims.user_id()).await?;
    if !sessions.iter().any(|session| *session.id == *session_id) {
        return Ok(not_found().await);
    }
    issuer.revoke_session(claims.user_id(), &session_id).await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

async fn health(State(issuer): State<Issuer<Profile>>) -> Result<&'static str, AuthError> {
    issuer.check_store().await?;
    Ok("ok\n")
}

async fn not_found() -> Response {
    let body = json!({ "detail": "Not found.", "code": "not_found" });
    (StatusCode::NOT_FOUND, Json(body)).into_response()
}

pub(crate) fn date_time(date: NumericDate) -> OffsetDateTime {
    OffsetDateTime::UNIX_EPOCH + Duration::from_secs(date.as_secs())
}
