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
//! # As issuer for other services
//!
//! With `ISSUER` and `KEYS_DIR` set, it signs with ES256 instead of the secret, publishes its keys,
//! and changes them while it runs; access tokens are those of RFC 9068. Another service then needs
//! nothing but its address:
//!
//! ```sh
//! ISSUER=http://127.0.0.1:3000 KEYS_DIR=/tmp/keys cargo run --example server &
//! PORT=3001 ISSUERS=http://127.0.0.1:3000 AUDIENCE=api ALLOW_HTTP=1 \
//!   cargo run --example resource_server
//! ```
//!
//! ```sh
//! curl -i http://127.0.0.1:3000/.well-known/openid-configuration
//! curl -i http://127.0.0.1:3000/.well-known/jwks.json
//! curl -i http://127.0.0.1:3001/api/me -H "authorization: Bearer $ACCESS" # as above
//! kill -HUP $(pgrep -x server) # the next key is published now, and signs in an hour
//! ```
//!
//! | variable | default | meaning |
//! |---|---|---|
//! | `ISSUER` | | the address of this server as others see it |
//! | `KEYS_DIR` | | a folder for its private keys, the same for all copies on this machine |
//! | `AUDIENCE` | `api` | the services that its tokens are for |
//! | `KEY_ROTATION` | 7776000 | seconds for which a key signs |
//! | `KEY_LEAD_TIME` | 3600 | seconds for which a key is published before it signs |
//! | `KEY_MAX_AGE` | 300 | seconds for which others may keep the published keys |
//!
//! # For other services that ask
//!
//! With `OAUTH_CLIENT` set, a client that knows its id and secret (HTTP Basic) may ask whether a token
//! is good here and now (RFC 7662), and revoke tokens (RFC 7009). If this is an issuer, its metadata
//! names both endpoints.
//!
//! ```sh
//! export OAUTH_CLIENT=billing:$(openssl rand -hex 32)
//! curl -i http://127.0.0.1:3000/oauth/introspect -u $OAUTH_CLIENT -d token=$ACCESS
//! curl -i http://127.0.0.1:3000/oauth/revoke -u $OAUTH_CLIENT -d token=$ACCESS
//! ```
//!
//! | variable | default | meaning |
//! |---|---|---|
//! | `OAUTH_CLIENT` | | `id:secret`, of letters, digits and `-._`; the secret has at least 32 |
//!
//! While the store is away, whatever needs it is answered 503; without `CHECK_REVOKED`, access
//! tokens go on opening routes, also those of a session that has ended, until they expire.

mod support;

use std::{env, error::Error, io, process::ExitCode, time::Duration};

use aws_lc_rs::{
    constant_time,
    digest::{Digest, SHA256, digest},
};
use axum::{
    Json, Router,
    extract::{Path, Request, State, rejection::PathRejection},
    http::{
        HeaderMap, StatusCode,
        header::{AUTHORIZATION, CACHE_CONTROL, WWW_AUTHENTICATE},
    },
    middleware::{self, Next},
    response::{IntoResponse, Response},
    routing::{delete, get, post},
};
use base64::{Engine, prelude::BASE64_STANDARD};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use time::{OffsetDateTime, serde::rfc3339};
use tokio::signal::unix::{SignalKind, signal};
use tower_jwt_auth::{
    Algorithm, AuthError, Claims, Issuer, JwtAuthLayer, MemoryStore, NumericDate, SigningKey,
    TokenRoutes,
    key_rotation::{KeyFolder, RotatingKeys, RotationPolicy},
    password::{MemoryUsers, PasswordHasher},
    routes::{OAuthRoutes, WellKnownRoutes},
    store::{PostgresStore, Purger, RedisStore, SqliteStore, TokenStore},
    user::User,
};

use crate::support::{setting, switch, with_causes};

const OAUTH: &str = "/oauth";

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
        user_id: claims.user_id().to_string(),
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
    issuer.revoke_user(claims.user_id()).await?;
    Ok(Json(json!({})))
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
    let user_id = claims.user_id();
    let sessions = issuer.sessions(user_id).await?;
    if !sessions.iter().any(|session| *session.id == *session_id) {
        return Ok(not_found().await);
    }
    issuer.revoke_session(user_id, &session_id).await?;
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

fn main() -> ExitCode {
    support::run(run())
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
    let client = Client::from_env()?;
    let publishing = Publishing::from_env(client.is_some()).await?;
    let keys = match &publishing {
        Some(publishing) => publishing.keys.key_set(),
        None => {
            let secret = env::var_os("JWT_SECRET").ok_or("JWT_SECRET is not set")?;
            let key = SigningKey::hs256(secret.as_encoded_bytes());
            key.map_err(|error| format!("JWT_SECRET: {error}"))?.into()
        }
    };
    let mut issuer = Issuer::builder(keys)
        .claims::<Profile>()
        .access_lifetime(access_lifetime()?)
        .refresh_lifetime(refresh_lifetime()?)
        .rotate_refresh_tokens(true)
        .reuse_grace(seconds("REUSE_GRACE", 0)?)
        .leeway(seconds("LEEWAY", 0)?)
        .store(store.clone());
    if let Some(Publishing { issuer: name, audience, .. }) = &publishing {
        issuer = issuer.issuer(&**name).audience(&**audience).rfc9068_access_tokens("server");
    }
    let issuer = issuer.build()?;

    let users = MemoryUsers::new(PasswordHasher::new());
    for (id, username, password, is_admin) in
        [(1, "demo", "demo-password", false), (2, "admin", "admin-password", true)]
    {
        let profile = Profile { username: username.to_owned(), is_admin };
        let mut user = User::new(id, profile);
        if publishing.is_some() {
            let scopes = if is_admin { "read write" } else { "read" };
            user = user.with_scopes(scopes.split(' '));
        }
        users.insert(username, password, user).await?;
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
    let mut app = Router::new()
        .route("/api/me", get(me))
        .route("/api/admin", get(admin))
        .route("/api/logout-all", post(logout_all))
        .route("/api/sessions", get(sessions))
        .route("/api/sessions/{id}", delete(end_session))
        .route_layer(auth)
        .route("/", get(|| async { "public\n" }))
        .route("/health", get(health))
        .fallback(not_found)
        .with_state(issuer.clone())
        .merge(tokens.into_router());
    if let Some(client) = client {
        let client_auth = middleware::from_fn_with_state(client, require_client);
        app = app.merge(OAuthRoutes::builder(issuer, client_auth).at(OAUTH).build()?.into_router());
    }
    let _rotation = match publishing {
        Some(Publishing { keys, well_known, .. }) => {
            app = app.merge(well_known.into_router());
            rotate_on_hangup(keys.clone())?;
            Some(keys.spawn())
        }
        None => None,
    };

    support::serve(app).await
}

/// What makes this server an issuer for others.
struct Publishing {
    issuer: String,
    audience: String,
    keys: RotatingKeys,
    well_known: WellKnownRoutes,
}

impl Publishing {
    async fn from_env(has_client: bool) -> Result<Option<Self>, Box<dyn Error>> {
        let (issuer, folder) = (setting("ISSUER", "")?, setting("KEYS_DIR", "")?);
        if issuer.is_empty() && folder.is_empty() {
            return Ok(None);
        }
        if issuer.is_empty() || folder.is_empty() {
            return Err("ISSUER and KEYS_DIR need each other".into());
        }
        let policy = RotationPolicy::builder(Algorithm::ES256)
            .rotate_every(seconds("KEY_ROTATION", 90 * 24 * 60 * 60)?)
            .lead_time(seconds("KEY_LEAD_TIME", 60 * 60)?)
            .token_lifetime(refresh_lifetime()?.max(access_lifetime()?))
            .leeway(seconds("LEEWAY", 0)?)
            .build()?;
        let keys = RotatingKeys::open(KeyFolder::new(folder), policy).await;
        let keys = keys.map_err(|error| format!("KEYS_DIR: {}", with_causes(&error)))?;
        let mut well_known =
            WellKnownRoutes::builder(&keys).issuer(&*issuer).max_age(seconds("KEY_MAX_AGE", 300)?);
        if has_client {
            let endpoint = |path| format!("{}{OAUTH}{path}", origin(&issuer));
            let basic = ["client_secret_basic"];
            well_known = well_known
                .introspection_endpoint(endpoint("/introspect"), basic)
                .revocation_endpoint(endpoint("/revoke"), basic);
        }
        let well_known = well_known.build().map_err(|error| format!("ISSUER: {error}"))?;
        Ok(Some(Self { issuer, audience: setting("AUDIENCE", "api")?, keys, well_known }))
    }
}

/// `address` up to its path.
fn origin(address: &str) -> &str {
    address.match_indices('/').nth(2).map_or(address, |(end, _)| &address[..end])
}

/// Who may ask about tokens: the digest of its credentials in HTTP Basic, so that comparing them
/// takes as long whatever is sent.
#[derive(Clone)]
struct Client(Digest);

impl Client {
    fn from_env() -> Result<Option<Self>, String> {
        let client = setting("OAUTH_CLIENT", "")?;
        if client.is_empty() {
            return Ok(None);
        }
        // Any others would be written in several ways: RFC 6749 section 2.3.1.
        let is_plain = |text: &str| {
            text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._".contains(&byte))
        };
        match client.split_once(':') {
            Some((id, secret))
                if !id.is_empty() && secret.len() >= 32 && is_plain(id) && is_plain(secret) =>
            {
                let credentials = BASE64_STANDARD.encode(&client);
                Ok(Some(Self(digest(&SHA256, credentials.as_bytes()))))
            }
            // Not shown, since it holds a secret.
            _ => Err("OAUTH_CLIENT must be id:secret, of letters, digits and -._, at least 32 of \
                      them in the secret"
                .to_owned()),
        }
    }

    fn has_sent(&self, headers: &HeaderMap) -> bool {
        let mut lines = headers.get_all(AUTHORIZATION).iter();
        let (Some(line), None) = (lines.next(), lines.next()) else {
            return false;
        };
        let Some((scheme, credentials)) = line.to_str().ok().and_then(|line| line.split_once(' '))
        else {
            return false;
        };
        let sent = digest(&SHA256, credentials.as_bytes());
        scheme.eq_ignore_ascii_case("basic")
            && constant_time::verify_slices_are_equal(self.0.as_ref(), sent.as_ref()).is_ok()
    }
}

/// Lets nobody but the client in: RFC 6749 section 5.2.
async fn require_client(State(client): State<Client>, request: Request, next: Next) -> Response {
    if client.has_sent(request.headers()) {
        return next.run(request).await;
    }
    let headers = [(WWW_AUTHENTICATE, "Basic realm=\"oauth\""), (CACHE_CONTROL, "no-store")];
    let body = json!({ "error": "invalid_client" });
    (StatusCode::UNAUTHORIZED, headers, Json(body)).into_response()
}

/// Begins a rotation at each SIGHUP.
fn rotate_on_hangup(keys: RotatingKeys) -> io::Result<()> {
    let mut hangup = signal(SignalKind::hangup())?;
    tokio::spawn(async move {
        while hangup.recv().await.is_some() {
            match keys.rotate().await {
                Ok(when) => println!("the next key signs at {}", date_time(when)),
                Err(error) => eprintln!("server: {}", with_causes(&error)),
            }
        }
    });
    Ok(())
}

fn access_lifetime() -> Result<Duration, String> {
    seconds("ACCESS_LIFETIME", 300)
}

fn refresh_lifetime() -> Result<Duration, String> {
    seconds("REFRESH_LIFETIME", 24 * 60 * 60)
}

fn seconds(name: &str, default: u64) -> Result<Duration, String> {
    let text = setting(name, &default.to_string())?;
    let seconds =
        text.parse().map_err(|_| format!("{name} {text:?} is not a number of seconds"))?;
    Ok(Duration::from_secs(seconds))
}
