//! Login, protected routes, refresh with rotation, and logout, with all state in memory.
//! `cargo run --example quickstart` prints the commands to try it with.
//!
//! | variable | default | meaning |
//! |---|---|---|
//! | `HOST`, `PORT` | 127.0.0.1, 3000 | the address to listen on |
//! | `JWT_SECRET` | random | the secret that signs the tokens, at least 32 bytes |
//! | `RUST_LOG` | `info` | what to log |
//! | `REUSE_GRACE` | 10 | seconds in which a spent refresh token returns the same successor |

use std::{env, error::Error, process::ExitCode, time::Duration};

use axum::{Json, Router, routing::get};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tower_jwt_auth::password::{MemoryUsers, PasswordHasher};
use tower_jwt_auth::{Algorithm, AuthError, Claims, Issuer, SigningKey, TokenRoutes};
use tower_jwt_auth::{store::MemoryStore, user::User};

#[derive(Clone, Serialize, Deserialize)]
struct Profile {
    username: String,
    is_admin: bool,
}

async fn me(claims: Claims<Profile>) -> Json<Value> {
    let Profile { username, is_admin } = &*claims;
    Json(json!({ "user_id": claims.user_id(), "username": username, "is_admin": is_admin }))
}

async fn admin(claims: Claims<Profile>) -> Result<&'static str, AuthError> {
    claims.require(|profile| profile.is_admin)?;
    Ok("welcome, admin\n")
}

async fn serve() -> Result<(), Box<dyn Error>> {
    let key = match env::var_os("JWT_SECRET") {
        Some(secret) => SigningKey::hs256(secret.as_encoded_bytes()),
        None => SigningKey::generate(Algorithm::HS256),
    };
    let grace = setting("REUSE_GRACE", "10");
    let grace = grace.parse().map_err(|_| format!("REUSE_GRACE {grace:?} is not in seconds"))?;
    let issuer = Issuer::builder(key.map_err(|error| format!("JWT_SECRET: {error}"))?)
        .claims::<Profile>()
        .rotate_refresh_tokens(true)
        .reuse_grace(Duration::from_secs(grace))
        .store(MemoryStore::new())
        .build()?;

    let users = MemoryUsers::new(PasswordHasher::new());
    for (id, username, is_admin) in [(1, "demo", false), (2, "admin", true)] {
        let profile = Profile { username: username.to_owned(), is_admin };
        users.insert(username, &format!("{username}-password"), User::new(id, profile)).await?;
    }

    let app = Router::new()
        .route("/api/me", get(me))
        .route("/api/admin", get(admin))
        .route_layer(issuer.layer())
        .route("/", get(|| async { "public\n" }))
        .merge(TokenRoutes::builder(issuer, users).at("/api/token").build()?.into_router());

    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let address = format!("{}:{}", setting("HOST", "127.0.0.1"), setting("PORT", "3000"));
    let listener = TcpListener::bind(&address).await;
    let listener = listener.map_err(|error| format!("HOST and PORT, {address}: {error}"))?;
    let url = format!("http://{}", listener.local_addr()?);
    println!("listening on {url}\n\n{}", COMMANDS.replace("http://127.0.0.1:3000", &url));
    tokio::select! {
        result = axum::serve(listener, app) => result?,
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
    }
    Ok(())
}

const COMMANDS: &str = r#"In another terminal, as the user demo or admin:

  API=http://127.0.0.1:3000/api NAME=demo
  TOKENS=$(curl -s $API/token/ --json '{"username":"'$NAME'","password":"'$NAME'-password"}')
  ACCESS=$(echo $TOKENS | sed 's/.*"access":"\([^"]*\)".*/\1/')
  curl $API/me -H "Authorization: Bearer $ACCESS""#;

fn setting(name: &str, default: &str) -> String {
    env::var_os(name).map_or(default.into(), |value| value.to_string_lossy().into_owned())
}

#[tokio::main]
async fn main() -> ExitCode {
    tracing_subscriber::fmt::init();
    if let Err(error) = serve().await {
        eprintln!("quickstart: {error}");
        return ExitCode::FAILURE;
    }
    ExitCode::SUCCESS
}
