//! The smallest useful app: login, protected routes, refresh with rotation, logout.
//!
//! ```sh
//! cargo run --example quickstart
//! ```
//!
//! It is configured by `HOST` (127.0.0.1), `PORT` (3000) and `JWT_SECRET`, at least 32 bytes that
//! sign the tokens; without it they are good until the process ends. Then, in another shell:
//!
//! ```sh
//! API=http://127.0.0.1:3000/api JSON='content-type: application/json'
//! TOKENS=$(curl -s $API/token/ -H "$JSON" -d '{"username":"demo","password":"demo-password"}')
//! ACCESS=$(echo "$TOKENS" | sed 's/.*"access":"\([^"]*\)".*/\1/')
//! REFRESH=$(echo "$TOKENS" | sed 's/.*"refresh":"\([^"]*\)".*/\1/')
//!
//! curl -i $API/me -H "authorization: Bearer $ACCESS"
//! curl -i $API/token/refresh/ -H "$JSON" -d "{\"refresh\":\"$REFRESH\"}"
//! # Ends the session, also with a refresh token that was spent: the access token is refused now.
//! curl -i $API/token/blacklist/ -H "$JSON" -d "{\"refresh\":\"$REFRESH\"}"
//! curl -i $API/me -H "authorization: Bearer $ACCESS"
//! ```

mod support;

use std::{env, error::Error, process::ExitCode};

use axum::{Json, Router, routing::get};
use serde::{Deserialize, Serialize};
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
        user_id: claims.user_id().to_string(),
        username: claims.username.clone(),
        is_admin: claims.is_admin,
    })
}

async fn admin(claims: Claims<Profile>) -> Result<&'static str, AuthError> {
    claims.require(|claims| claims.is_admin)?;
    Ok("welcome, admin\n")
}

fn main() -> ExitCode {
    support::run(run())
}

async fn run() -> Result<(), Box<dyn Error>> {
    let key = match env::var_os("JWT_SECRET") {
        Some(secret) => SigningKey::hs256(secret.as_encoded_bytes())
            .map_err(|error| format!("JWT_SECRET: {error}"))?,
        None => {
            println!("JWT_SECRET is not set: using a random one, good until this process ends");
            SigningKey::generate(Algorithm::HS256)?
        }
    };

    let store = MemoryStore::new();
    let issuer = Issuer::builder(key)
        .claims::<Profile>()
        .rotate_refresh_tokens(true)
        .store(store.clone())
        .build()?;

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

    support::serve(app).await
}
