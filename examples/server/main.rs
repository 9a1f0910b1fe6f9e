//! Sessions that survive a restart: any number of copies share one store, users see their sessions
//! and can log out everywhere.
//!
//! ```sh
//! export JWT_SECRET=$(openssl rand -hex 32)
//! STORE_URL=sqlite:/tmp/sessions.db cargo run --example server
//! STORE_URL=postgres://user:password@localhost/database cargo run --example server
//! STORE_URL=redis://localhost cargo run --example server
//! ```
//!
//! In another terminal:
//!
//! ```sh
//! API=http://127.0.0.1:3000/api
//! TOKENS=$(curl -s $API/token/ --json '{"username":"demo","password":"demo-password"}')
//! ACCESS=$(echo $TOKENS | sed 's/.*"access":"\([^"]*\)".*/\1/')
//!
//! curl -i $API/sessions -H "Authorization: Bearer $ACCESS"
//! curl -i $API/sessions/unknown -X DELETE -H "Authorization: Bearer $ACCESS"
//! curl -i $API/logout-all -X POST -H "Authorization: Bearer $ACCESS"
//! curl -i http://127.0.0.1:3000/health
//! curl -i http://127.0.0.1:3000/metrics
//! ```
//!
//! | variable | default | meaning |
//! |---|---|---|
//! | `RUST_LOG` | `info` | what to log |
//! | `HOST`, `PORT` | 127.0.0.1, 3000 | the address to listen on |
//! | `JWT_SECRET` | | at least 32 bytes, the same for all copies |
//! | `JWT_SECRET_OLD` | | the previous secret, whose tokens are still accepted |
//! | `STORE_URL` | `memory:` | or `sqlite:/path/to/file`, `postgres://…`, `redis://…` |
//! | `ACCESS_LIFETIME` | 300 | seconds |
//! | `REFRESH_LIFETIME` | 86400 | seconds |
//! | `REUSE_GRACE` | 10 | seconds in which a spent refresh token returns the same successor |
//! | `LEEWAY` | 0 | seconds for which an expired token is still accepted |
//! | `CLOCK_SKEW` | 60 | seconds by which `iat` and `nbf` may be in the future |
//! | `CHECK_REVOKED` | 0 | 1: every request checks the store for revocation |
//! | `PURGE_INTERVAL` | 60 | seconds between deletions of expired entries |
//! | `DPOP` | | `accept` or `require`: binds tokens to the key of the client (RFC 9449) |
//! | `PUBLIC_URL` | `http://127.0.0.1:$PORT` | the URL of this server as clients know it, for `DPOP` |
//!
//! A `STORE_URL` that can never work, for example with a wrong password or the name of a database that
//! does not exist, ends the start. While the store is unreachable, routes that need it respond with 503. Without `CHECK_REVOKED`,
//! protected routes do not need it: they accept access tokens until these expire, even those of a
//! session that has ended.
//!
//! # As an issuer for other services
//!
//! With `ISSUER` and `KEYS_DIR`, the server signs access tokens of RFC 9068 with ES256, publishes
//! its keys and rotates them. Another service needs only its address:
//!
//! ```sh
//! ISSUER=http://127.0.0.1:3000 KEYS_DIR=/tmp/keys cargo run --example server
//! PORT=3001 ISSUERS=http://127.0.0.1:3000 AUDIENCE=api ALLOW_HTTP=1 \
//!   cargo run --example resource_server
//! ```
//!
//! ```sh
//! curl -i http://127.0.0.1:3000/.well-known/openid-configuration
//! curl -i http://127.0.0.1:3000/.well-known/jwks.json
//! curl -i http://127.0.0.1:3001/api/me -H "Authorization: Bearer $ACCESS" # from a login as above
//! kill -HUP $(pgrep -x server) # publishes the next key, which signs in an hour
//! ```
//!
//! | variable | default | meaning |
//! |---|---|---|
//! | `ISSUER` | | the URL of this server as other services reach it |
//! | `KEYS_DIR` | | a folder for private keys, shared by the copies on this machine |
//! | `AUDIENCE` | `api` | the services that accept the tokens |
//! | `KEY_ROTATION` | 7776000 | seconds for which a key signs |
//! | `KEY_LEAD_TIME` | 3600 | seconds for which a key is published before it signs |
//! | `KEY_MAX_AGE` | 300 | seconds for which other services may cache the published keys |
//!
//! # Introspection and revocation
//!
//! With `OAUTH_CLIENT`, a client that authenticates with HTTP Basic can introspect tokens (RFC 7662)
//! and revoke them (RFC 7009). The metadata of an issuer lists both endpoints.
//!
//! ```sh
//! export OAUTH_CLIENT=billing:$(openssl rand -hex 32)
//! curl -i http://127.0.0.1:3000/oauth/introspect -u $OAUTH_CLIENT -d token=$ACCESS
//! curl -i http://127.0.0.1:3000/oauth/revoke -u $OAUTH_CLIENT -d token=$ACCESS
//! ```
//!
//! | variable | default | meaning |
//! |---|---|---|
//! | `OAUTH_CLIENT` | | `id:secret` of letters, digits and `-._`; the secret has 32 or more |

mod api;
mod metrics;
mod oauth_client;
mod publishing;
mod serve;
mod settings;
mod store_check;

use std::{env, error::Error, process::ExitCode};

use axum::middleware;
use tokio::runtime::Runtime;
use tower_jwt_auth::{
    Algorithm, Issuer, JwtAuthLayer, KeySet, MemoryStore, SigningKey, TokenRoutes, VerifyingKey,
    password::{MemoryUsers, PasswordHasher},
    possession::Dpop,
    routes::OAuthRoutes,
    store::{PostgresStore, Purger, RedisStore, SqliteStore, TokenStore},
    user::User,
};

use crate::{
    api::Profile,
    oauth_client::{OAUTH, OAuthClient, require_client},
    publishing::{Publishing, rotate_on_hangup},
    settings::{access_lifetime, refresh_lifetime, seconds, setting, switch, with_causes},
    store_check::{check_sqlite_file, check_store},
};

fn main() -> ExitCode {
    tracing_subscriber::fmt::init();
    let result = Runtime::new().map_err(Into::into).and_then(|runtime| {
        let result = runtime.block_on(run());
        // A blocking call, such as a DNS lookup without a reply, must not delay the end.
        runtime.shutdown_background();
        result
    });
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("server: {}", with_causes(&*error));
            ExitCode::FAILURE
        }
    }
}

/// Chooses the store. It connects on first use, so the server starts while the store is down.
async fn run() -> Result<(), Box<dyn Error>> {
    let url = setting("STORE_URL", "memory:")?;
    let invalid = |error| format!("STORE_URL: {error}");
    match url.split(':').next() {
        Some("memory") if url == "memory:" => run_with(MemoryStore::new()).await,
        Some("sqlite") => {
            check_sqlite_file("STORE_URL", &url)?;
            run_with(SqliteStore::connect_lazy(&url).map_err(invalid)?).await
        }
        Some("postgres" | "postgresql") => {
            run_with(PostgresStore::connect_lazy(&url).map_err(invalid)?).await
        }
        Some("redis" | "rediss") => {
            run_with(RedisStore::connect_lazy(&url).map_err(invalid)?).await
        }
        // The URL may contain a password, so the message does not show it.
        _ => Err("STORE_URL must be memory:, sqlite:…, postgres://… or redis://…".into()),
    }
}

async fn run_with(store: impl TokenStore + Clone) -> Result<(), Box<dyn Error>> {
    let metrics = metrics::record()?;
    let client = OAuthClient::from_env()?;
    let publishing = Publishing::from_env(client.is_some()).await?;
    let keys = match &publishing {
        Some(publishing) => publishing.keys.key_set(),
        None => secrets()?,
    };
    let mut issuer = Issuer::builder(keys)
        .claims::<Profile>()
        .access_lifetime(access_lifetime()?)
        .refresh_lifetime(refresh_lifetime()?)
        .rotate_refresh_tokens(true)
        .reuse_grace(seconds("REUSE_GRACE", 10)?)
        .leeway(seconds("LEEWAY", 0)?)
        .clock_skew(seconds("CLOCK_SKEW", 60)?)
        .store(store.clone());
    if let Some(Publishing { issuer: url, audience, .. }) = &publishing {
        issuer = issuer.issuer(&**url).audience(&**audience).rfc9068_access_tokens("server");
    }
    let issuer = issuer.build()?;
    check_store("STORE_URL", &store).await?;

    let users = MemoryUsers::new(PasswordHasher::new());
    for (id, username, password, is_admin) in
        [(1, "demo", "demo-password", false), (2, "admin", "admin-password", true)]
    {
        let mut user = User::new(id, Profile { username: username.to_owned(), is_admin });
        if publishing.is_some() {
            let scopes = if is_admin { "read write" } else { "read" };
            user = user.with_scopes(scopes.split(' '));
        }
        users.insert(username, password, user).await?;
    }

    let purge_interval = seconds("PURGE_INTERVAL", 60)?;
    if purge_interval.is_zero() {
        return Err("PURGE_INTERVAL must be at least 1".into());
    }
    let dpop = dpop(store.clone())?;
    let _purger = Purger::spawn(store, purge_interval);

    let mut auth = if switch("CHECK_REVOKED")? {
        issuer.layer()
    } else {
        JwtAuthLayer::new(issuer.verifier())
    };
    let mut tokens =
        TokenRoutes::builder(issuer.clone(), users).at("/api/token").session_list_at("/api");
    if let Some(dpop) = dpop {
        auth = auth.with_dpop(dpop.clone());
        tokens = tokens.dpop(dpop);
    }
    let tokens = tokens.session_list_layer(auth.clone()).build()?;
    let mut app = api::routes(issuer.clone(), auth).merge(tokens.into_router()).merge(metrics);
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

    serve::serve(serve::listen().await?, app).await
}

/// How tokens are bound to the keys of clients. The proofs that were used are in `store`.
fn dpop(store: impl TokenStore) -> Result<Option<Dpop>, Box<dyn Error>> {
    let default = format!("http://127.0.0.1:{}", setting("PORT", "3000")?);
    let dpop = Dpop::builder(setting("PUBLIC_URL", &default)?).store(store);
    let dpop = match &*setting("DPOP", "")? {
        "" => return Ok(None),
        "accept" => dpop,
        "require" => dpop.require(),
        other => return Err(format!("DPOP must be accept or require, not {other:?}").into()),
    };
    Ok(Some(dpop.build().map_err(|error| format!("PUBLIC_URL: {error}"))?))
}

/// `JWT_SECRET` signs and verifies tokens, `JWT_SECRET_OLD` only verifies them.
fn secrets() -> Result<KeySet, Box<dyn Error>> {
    let secret = env::var_os("JWT_SECRET").ok_or("JWT_SECRET is not set")?;
    let key = SigningKey::hs256(secret.as_encoded_bytes());
    let mut keys =
        KeySet::builder().signing_key(key.map_err(|error| format!("JWT_SECRET: {error}"))?);
    if let Some(secret) = env::var_os("JWT_SECRET_OLD") {
        let key = VerifyingKey::from_secret(Algorithm::HS256, secret.as_encoded_bytes());
        keys = keys.verifying_key(key.map_err(|error| format!("JWT_SECRET_OLD: {error}"))?);
    }
    Ok(keys.build()?)
}
