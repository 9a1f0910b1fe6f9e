//! The smallest useful app: login, protected routes, refresh with rotation, logout.
//!
//! ```sh
//! cargo run --example quickstart
//!
//! curl -s localhost:3000/api/token/ -H 'content-type: application/json' \
//!     -d '{"username":"demo","password":"demo-password"}'
//! curl -s localhost:3000/api/me -H "authorization: Bearer $ACCESS"
//! curl -s localhost:3000/api/token/refresh/ -H 'content-type: application/json' \
//!     -d "{\"refresh\":\"$REFRESH\"}"
//! curl -s localhost:3000/api/token/blacklist/ -H 'content-type: application/json' \
//!     -d "{\"refresh\":\"$REFRESH\"}"
//! ```
//!
//! `HOST` (127.0.0.1), `PORT` (3000) and `JWT_SECRET` (at least 32 bytes) configure it.

use std::{env, error::Error, time::Duration};

use axum::{Json, Router, routing::get};
use serde::{Deserialize, Serialize};
use tokio::{net::TcpListener, signal, sync::watch, time};
use tower_jwt_auth::{
    Algorithm, AuthError, Claims, Issuer, JwtAuthLayer, MemoryStore, SigningKey, TokenRoutes,
    password::{MemoryUsers, PasswordHasher},
    user::User,
};

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

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let key = match env::var("JWT_SECRET") {
        Ok(secret) => SigningKey::hs256(secret)?,
        Err(_) => {
            println!("JWT_SECRET is not set: using a random one, good until this process ends");
            SigningKey::generate(Algorithm::HS256)?
        }
    };
    let store = MemoryStore::new();
    let issuer =
        Issuer::<Profile>::builder(key).rotate_refresh_tokens(true).store(store.clone()).build()?;

    let users = MemoryUsers::new(PasswordHasher::new());
    for (id, username, password, is_admin) in
        [(1, "demo", "demo-password", false), (2, "admin", "admin-password", true)]
    {
        let profile = Profile { username: username.to_owned(), is_admin };
        users.insert(username, password, User::new(id, profile)).await?;
    }

    let auth = JwtAuthLayer::new(issuer.verifier()).with_revocation_check(store);
    let tokens = TokenRoutes::builder(issuer, users).at("/api/token").build()?;
    let app = Router::new()
        .route("/api/me", get(me))
        .route("/api/admin", get(admin))
        .route_layer(auth)
        .route("/", get(|| async { "public\n" }))
        .merge(tokens.into_router());

    let host = env::var("HOST").unwrap_or_else(|_| "127.0.0.1".to_owned());
    let port: u16 = env::var("PORT").map_or(Ok(3000), |port| port.parse())?;
    let listener = TcpListener::bind((host, port)).await?;
    let address = listener.local_addr()?;
    println!("listening on http://{address}, try:");
    println!("  curl -s http://{address}/api/token/ -H 'content-type: application/json' \\");
    println!("    -d '{{\"username\":\"demo\",\"password\":\"demo-password\"}}'");
    println!("  curl -s http://{address}/api/me -H \"authorization: Bearer $ACCESS\"");
    serve(listener, app).await
}

/// Serves until SIGINT or SIGTERM, then gives open requests three seconds.
async fn serve(listener: TcpListener, app: Router) -> Result<(), Box<dyn Error>> {
    let mut terminate = signal::unix::signal(signal::unix::SignalKind::terminate())?;
    let (stop, mut stopped) = watch::channel(());
    let serving = axum::serve(listener, app)
        .with_graceful_shutdown(async move { drop(stopped.changed().await) });
    let deadline = async move {
        tokio::select! {
            _ = signal::ctrl_c() => {}
            _ = terminate.recv() => {}
        }
        drop(stop);
        time::sleep(Duration::from_secs(3)).await;
    };
    tokio::select! {
        result = serving => result?,
        () = deadline => {}
    }
    Ok(())
}
