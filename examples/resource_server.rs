//! A service that trusts tokens of other issuers by naming them, and follows their keys.
//!
//! ```sh
//! ISSUERS=https://login.example,https://partner.example AUDIENCE=https://api.example \
//!     cargo run --example resource_server
//! JWKS_URL=https://login.example/keys ISSUER=https://login.example AUDIENCE=https://api.example \
//!     PROFILE=plain cargo run --example resource_server
//! ```
//!
//! The example `server` is such an issuer, see there:
//!
//! ```sh
//! PORT=3001 ISSUERS=http://127.0.0.1:3000 ALLOW_HTTP=1 AUDIENCE=api \
//!     cargo run --example resource_server
//! ```
//!
//! Then, in another shell, with an access token of such an issuer:
//!
//! ```sh
//! API=http://127.0.0.1:3000 # or 3001
//! curl -i $API/health
//! curl -i $API/api/me -H "authorization: Bearer $ACCESS"
//! curl -i $API/api/write -H "authorization: Bearer $ACCESS"
//! ```
//!
//! | variable | default | meaning |
//! |---|---|---|
//! | `HOST`, `PORT` | 127.0.0.1, 3000 | where it listens |
//! | `ISSUERS` | | whose tokens are accepted, comma separated; their keys are found by discovery |
//! | `JWKS_URL`, `ISSUER` | | instead: one issuer, and where its keys are |
//! | `AUDIENCE` | | whom tokens must be meant for |
//! | `PROFILE` | `rfc9068` | what tokens look like; or `plain`: neither `token_type` nor `jti` needed |
//! | `ALLOW_HTTP` | 0 | 1: keys may come over plain HTTP from this machine |
//! | `JWKS_COOLDOWN` | 30 | seconds between two fetches that tokens with unknown keys cause |
//! | `JWKS_REFRESH` | by `Cache-Control` | seconds between two fetches in the background, at most |
//! | `JWKS_MAX_STALE` | 86400 | seconds after the last good fetch for which keys are used |
//!
//! It starts whether or not the issuers can be reached. Requests for which there are no keys are
//! answered 503 until there are; issuers do not wait for each other.

mod support;

use std::{
    env::{self, VarError},
    error::Error,
    process::ExitCode,
    time::Duration,
};

use axum::{
    Json, Router,
    extract::State,
    http::{StatusCode, header::RETRY_AFTER},
    response::{IntoResponse, Response},
    routing::get,
};
use serde_json::{Value, json};
use tower_jwt_auth::{
    AuthError, Claims, JwtAuthLayer, Verifier,
    jwks::{RemoteKeys, RemoteKeysBuilder},
    token::TokenProfile,
};

use crate::support::setting;

async fn me(claims: Claims) -> Json<Value> {
    let scopes: Vec<_> = claims.scopes().collect();
    Json(json!({ "sub": claims.subject(), "iss": claims.issuer(), "scopes": scopes }))
}

async fn write(claims: Claims) -> Result<Json<Value>, AuthError> {
    claims.require_scope("write")?;
    Ok(Json(json!({ "written": true })))
}

/// It is well as long as the tokens of some issuer can be verified.
async fn health(State(issuers): State<Vec<(String, RemoteKeys)>>) -> Response {
    let states = issuers.iter().map(|(issuer, keys)| {
        let state = keys.freshness();
        let age = state.age.map(|age| age.as_secs());
        json!({
            "issuer": issuer, "usable": state.is_usable,
            "age": age, "keys": state.keys, "skipped": state.skipped,
        })
    });
    let states: Vec<_> = states.collect();
    if states.iter().any(|state| state["usable"] == true && state["keys"] != 0) {
        return Json(json!({ "status": "ok", "issuers": states })).into_response();
    }
    let body = json!({
        "detail": "There are no keys to verify tokens with.", "code": "unavailable",
        "issuers": states,
    });
    (StatusCode::SERVICE_UNAVAILABLE, [(RETRY_AFTER, "1")], Json(body)).into_response()
}

async fn not_found() -> Response {
    let body = json!({ "detail": "There is nothing here.", "code": "not_found" });
    (StatusCode::NOT_FOUND, Json(body)).into_response()
}

fn main() -> ExitCode {
    support::run(run())
}

async fn run() -> Result<(), Box<dyn Error>> {
    let profile = match &*setting("PROFILE", "rfc9068")? {
        "rfc9068" => TokenProfile::Rfc9068,
        "plain" => TokenProfile::Plain,
        other => return Err(format!("PROFILE {other:?} is neither rfc9068 nor plain").into()),
    };
    let audience = optional("AUDIENCE")?.ok_or("AUDIENCE is not set")?;

    let mut issuers = Vec::new();
    let mut verifiers = Vec::new();
    for (number, (issuer, builder)) in (1..).zip(trusted()?) {
        // By its number, since a URL may hold a password.
        let named = |error| format!("issuer {number}: {error}");
        let keys = configured(builder)?.build().map_err(named)?;
        verifiers.push(
            Verifier::builder(&keys)
                .issuer(&*issuer)
                .audience(&*audience)
                .profile(profile)
                .build()
                .map_err(named)?,
        );
        issuers.push((issuer, keys));
    }

    let auth: JwtAuthLayer = JwtAuthLayer::new(Verifier::by_issuer(verifiers)?);
    let app = Router::new()
        .route("/api/me", get(me))
        .route("/api/write", get(write))
        .route_layer(auth)
        .route("/health", get(health))
        .fallback(not_found)
        .with_state(issuers);

    support::serve(app).await
}

/// The issuers, each with the way to its keys.
fn trusted() -> Result<Vec<(String, RemoteKeysBuilder)>, String> {
    match (optional("ISSUERS")?, optional("JWKS_URL")?, optional("ISSUER")?) {
        (Some(issuers), None, None) => Ok(issuers
            .split(',')
            .map(str::trim)
            .filter(|issuer| !issuer.is_empty())
            .map(|issuer| (issuer.to_owned(), RemoteKeys::from_issuer(issuer)))
            .collect()),
        (None, Some(url), Some(issuer)) => Ok(vec![(issuer, RemoteKeys::from_url(url))]),
        _ => Err("either ISSUERS must be set, or both JWKS_URL and ISSUER".to_owned()),
    }
}

fn configured(mut keys: RemoteKeysBuilder) -> Result<RemoteKeysBuilder, String> {
    match &*setting("ALLOW_HTTP", "0")? {
        "0" => {}
        "1" => keys = keys.insecure_loopback_http(),
        other => return Err(format!("ALLOW_HTTP {other:?} is neither 0 nor 1")),
    }
    if let Some(cooldown) = seconds("JWKS_COOLDOWN")? {
        keys = keys.cooldown(cooldown);
    }
    if let Some(interval) = seconds("JWKS_REFRESH")? {
        keys = keys.refresh_every(interval);
    }
    if let Some(limit) = seconds("JWKS_MAX_STALE")? {
        keys = keys.max_stale(limit);
    }
    Ok(keys)
}

fn seconds(name: &str) -> Result<Option<Duration>, String> {
    let Some(text) = optional(name)? else {
        return Ok(None);
    };
    let seconds =
        text.parse().map_err(|_| format!("{name} {text:?} is not a number of seconds"))?;
    Ok(Some(Duration::from_secs(seconds)))
}

fn optional(name: &str) -> Result<Option<String>, String> {
    match env::var(name) {
        Err(VarError::NotPresent) => Ok(None),
        value => value.map(Some).map_err(|_| format!("{name} is not text")),
    }
}
