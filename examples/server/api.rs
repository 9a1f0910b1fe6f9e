//! The routes of the application.

use axum::{
    Json, Router,
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Response},
    routing::get,
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tower_jwt_auth::{AuthError, Claims, Issuer, JwtAuthLayer};

#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Profile {
    pub(crate) username: String,
    pub(crate) is_admin: bool,
}

pub(crate) fn routes(issuer: Issuer<Profile>, auth: JwtAuthLayer<Profile>) -> Router {
    Router::new()
        .route("/api/me", get(me))
        .route("/api/admin", get(admin))
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

async fn health(State(issuer): State<Issuer<Profile>>) -> Result<&'static str, AuthError> {
    issuer.check_store().await?;
    Ok("ok\n")
}

async fn not_found() -> Response {
    let body = json!({ "detail": "Not found.", "code": "not_found" });
    (StatusCode::NOT_FOUND, Json(body)).into_response()
}
