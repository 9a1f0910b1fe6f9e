//! Sessions that outlive the process: any number of copies on one store, a list of a user's
//! sessions, and logout everywhere.
//!
//! ```sh
//! export JWT_SECRET=$(openssl rand -hex 32)
//! STORE_URL=sqlite:/tmp/sessions.db cargo run --example server
//! STORE_URL=postgres://user:password@localhost/database cargo run --example server
//! STORE_URL=redis://localhost cargo run --example server
//! ```
//!
//! Then, in another shell:
//!
//! ```sh
//! API=http://127.0.0.1:3000/api JSON='content-type: application/json'
//! TOKENS=$(curl -s $API/token/ -H "$JSON" -d '{"username":"demo","password":"demo-password"}')
//! ACCESS=$(echo "$TOKENS" | sed 's/.*"access":"\([^"]*\)".*/\1/')
//!
//! curl -i $API/sessions -H "authorization: Bearer $ACCESS"
//! curl -i $API/sessions/unknown -X DELETE -H "authorization: Bearer $ACCESS"
//! curl -i $API/logout-all -X POST -H "authorization: Bearer $ACCESS"
//! curl -i http://127.0.0.1:3000/health
//! ```
//!
//! | variable | default | meaning |
//! |---|---|---|
//! | `HOST`, `PORT` | 127.0.0.1, 3000 | where it listens |
//! | `JWT_SECRET` | | at least 32 bytes, the same for all copies |
//! | `STORE_URL` | `memory:` | or `sqlite:/path/to/file`, `postgres://…`, `redis://…` |
//! | `REFRESH_LIFETIME` | 86400 | seconds |
//! | `ACCESS_LIFETIME` | 300 | seconds |
//! | `REUSE_GRACE` | 0 | seconds for which a spent refresh token is answered again |
//! | `LEEWAY` | 0 | seconds by which clocks may differ |
//! | `CHECK_REVOKED` | 0 | 1: the store is asked on every request |
//! | `PURGE_INTERVAL` | 60 | seconds between deletions of what has expired |
//!
//! While the store is away, whatever needs it is answered 503; without `CHECK_REVOKED`, access
//! tokens go on opening routes, also those of a session that has ended, until they expire.

mod support;

use std::{env, error::Error, process::ExitCode, time::Duration};

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
use tower_jwt_auth::{
    AuthError, Claims, Issuer, JwtAuthLayer, MemoryStore, NumericDate, SigningKey, TokenRoutes,
    password::{MemoryUsers, PasswordHasher},
    store::{PostgresStore, Purger, RedisStore, SqliteStore, TokenStore},
    token::UserId,
    user::User,
};

use crate::support::setting;

#[derive(Clone, Serialize, Deserialize)]
struct Profile {
    username: String,
    is_admin: bool,
}

#[derive(Serialize)]
struct Me {
    user_id: String,
    username: String,
    is_admin: bool,
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

async fn me(claims: Claims<Profile>) -> Json<Me> {
    Json(Me {
        user_id: claims.user_id().to_owned(),
        username: claims.username.clone(),
        is_admin: claims.is_admin,
    })
}

async fn admin(claims: Claims<Profile>) -> Result<&'static str, AuthError> {
    claims.require(|claims| claims.is_admin)?;
    Ok("welcome, admin\n")
}

async fn logout_all(
    State(issuer): State<Issuer<Profile>>,
    claims: Claims<Profile>,
) -> Result<Json<Value>, AuthError> {
    issuer.revoke_user(&UserId::from(claims.user_id())).await?;
    Ok(Json(json!({})))
}

async fn sessions(
    State(issuer): State<Issuer<Profile>>,
    claims: Claims<Profile>,
) -> Result<Json<Vec<SessionInfo>>, AuthError> {
    let sessions = issuer.sessions(&UserId::from(claims.user_id())).await?;
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
    let user_id = UserId::from(claims.user_id());
    let sessions = issuer.sessions(&user_id).await?;
    if !sessions.iter().any(|session| *session.id == *session_id) {
        return Ok(not_found().await);
    }
    issuer.revoke_session(&user_id, &session_id).await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

async fn health(State(issuer): State<Issuer<Profile>>) -> Result<&'static str, AuthError> {
    issuer.check_store().await?;
    Ok("ok\n")
}

async fn not_found() -> Response {
    let body = json!({ "detail": "There is nothing here.", "code": "not_found" });
    (StatusCode::NOT_FOUND, Json(body)).into_response()
}

fn date_time(date: NumericDate) -> OffsetDateTime {
    OffsetDateTime::UNIX_EPOCH + Duration::from_secs(date.as_secs())
}

#[tokio::main]
async fn main() -> ExitCode {
    support::report(run().await)
}

/// Chooses the store; nothing is connected before it is needed.
async fn run() -> Result<(), Box<dyn Error>> {
    let url = setting("STORE_URL", "memory:")?;
    let malformed = |error| format!("STORE_URL: {error}");
    match url.split(':').next() {
        Some("memory") if url == "memory:" => run_with(MemoryStore::new()).await,
        Some("sqlite") => run_with(SqliteStore::connect_lazy(&url).map_err(malformed)?).await,
        Some("postgres" | "postgresql") => {
            run_with(PostgresStore::connect_lazy(&url).map_err(malformed)?).await
        }
        Some("redis" | "rediss") => {
            run_with(RedisStore::connect_lazy(&url).map_err(malformed)?).await
        }
        // Not shown, since it may hold a password.
        _ => Err("STORE_URL must be memory:, sqlite:…, postgres://… or redis://…".into()),
    }
}

async fn run_with(store: impl TokenStore + Clone) -> Result<(), Box<dyn Error>> {
    let secret = env::var_os("JWT_SECRET").ok_or("JWT_SECRET is not set")?;
    let key = SigningKey::hs256(secret.as_encoded_bytes())
        .map_err(|error| format!("JWT_SECRET: {error}"))?;
    let issuer = Issuer::<Profile>::builder(key)
        .access_lifetime(seconds("ACCESS_LIFETIME", 300)?)
        .refresh_lifetime(seconds("REFRESH_LIFETIME", 24 * 60 * 60)?)
        .rotate_refresh_tokens(true)
        .reuse_grace(seconds("REUSE_GRACE", 0)?)
        .leeway(seconds("LEEWAY", 0)?)
        .store(store.clone())
        .build()?;

    let users = MemoryUsers::new(PasswordHasher::new());
    for (id, username, password, is_admin) in
        [(1, "demo", "demo-password", false), (2, "admin", "admin-password", true)]
    {
        let profile = Profile { username: username.to_owned(), is_admin };
        users.insert(username, password, User::new(id, profile)).await?;
    }

    let purge_interval = seconds("PURGE_INTERVAL", 60)?;
    if purge_interval.is_zero() {
        return Err("PURGE_INTERVAL must not be 0".into());
    }
    let _purger = Purger::spawn(store.clone(), purge_interval);

    let mut auth = JwtAuthLayer::new(issuer.verifier());
    if switch("CHECK_REVOKED")? {
        auth = auth.with_revocation_check(store);
    }
    let tokens = TokenRoutes::builder(issuer.clone(), users).at("/api/token").build()?;
    let app = Router::new()
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
        .merge(tokens.into_router());

    support::serve(app).await
}

fn seconds(name: &str, default: u64) -> Result<Duration, String> {
    let text = setting(name, &default.to_string())?;
    let seconds =
        text.parse().map_err(|_| format!("{name} {text:?} is not a number of seconds"))?;
    Ok(Duration::from_secs(seconds))
}

fn switch(name: &str) -> Result<bool, String> {
    match &*setting(name, "0")? {
        "0" => Ok(false),
        "1" => Ok(true),
        other => Err(format!("{name} {other:?} is neither 0 nor 1")),
    }
}
