//! A service that accepts tokens of other issuers. It needs only their URLs and follows their keys.
//!
//! ```sh
//! ISSUERS=https://login.example,https://partner.example AUDIENCE=https://api.example \
//!   cargo run --example resource_server
//! JWKS_URL=https://login.example/keys ISSUER=https://login.example AUDIENCE=https://api.example \
//!   PROFILE=plain cargo run --example resource_server
//! ```
//!
//! The example `server` can be such an issuer:
//!
//! ```sh
//! ISSUER=http://127.0.0.1:3000 KEYS_DIR=/tmp/keys cargo run --example server
//! PORT=3001 ISSUERS=http://127.0.0.1:3000 ALLOW_HTTP=1 AUDIENCE=api \
//!   cargo run --example resource_server
//! ```
//!
//! In another terminal:
//!
//! ```sh
//! ACCESS=$(curl -s http://127.0.0.1:3000/api/token/ \
//!   --json '{"username":"admin","password":"admin-password"}' \
//!   | sed 's/.*"access":"\([^"]*\)".*/\1/')
//! curl -i http://127.0.0.1:3001/health
//! curl -i http://127.0.0.1:3001/metrics
//! curl -i http://127.0.0.1:3001/api/me -H "Authorization: Bearer $ACCESS"
//! curl -i http://127.0.0.1:3001/api/write -H "Authorization: Bearer $ACCESS"
//! curl -i http://127.0.0.1:3001/api/fresh -H "Authorization: Bearer $ACCESS"
//! ```
//!
//! | variable | default | meaning |
//! |---|---|---|
//! | `RUST_LOG` | `info` | what to log |
//! | `HOST`, `PORT` | 127.0.0.1, 3000 | the address to listen on |
//! | `ISSUERS` | | the trusted issuers, comma separated; discovery finds their keys |
//! | `JWKS_URL`, `ISSUER` | | instead: one issuer and the URL of its keys |
//! | `AUDIENCE` | `RESOURCE` | the value that `aud` must contain |
//! | `RESOURCE` | | the URL of this service; publishes its metadata, which challenges name |
//! | `PROFILE` | `rfc9068` | the form of the tokens; `plain` requires neither `token_type` nor `jti`; `id_token` |
//! | `ALLOW_HTTP` | 0 | 1: allows keys over plain HTTP from this machine |
//! | `JWKS_COOLDOWN` | 30 | seconds before a token with an unknown key causes another fetch |
//! | `JWKS_REFRESH` | by `Cache-Control` | seconds between two fetches in the background |
//! | `JWKS_MAX_STALE` | 86400 | seconds for which keys are used after the last successful fetch |
//! | `INTROSPECTION_URL` | | where tokens are introspected that are not JWTs (RFC 7662) |
//! | `INTROSPECTION_CLIENT` | | the credentials of this service there: `id:secret` |
//! | `MAX_AGE` | 300 | seconds after a login in which `/api/fresh` accepts its tokens (RFC 9470) |
//! | `BACKCHANNEL` | 0 | 1: issuers report logouts to `POST /backchannel-logout`; tokens live at most a day |
//! | `DPOP` | | `accept` or `require`: tokens that are bound to the key of the client (RFC 9449) |
//! | `PUBLIC_URL` | `http://127.0.0.1:$PORT` | the URL of this service as clients know it, for `DPOP` |
//! | `STORE_URL` | `memory:` | sessions that have ended, proofs that were used: also `sqlite:…`, `postgres://…`, `redis://…` |
//!
//! The service starts while its issuers are unreachable. It responds with 503 to a token whose
//! issuer's keys are not there yet; one unreachable issuer does not affect the others.

mod dpop;
mod opaque;
mod settings;
mod stateful;
mod store;
#[path = "../server/store_check.rs"]
mod store_check;

use std::{error::Error, process::ExitCode, time::Duration};

use axum::{
    Json, Router,
    extract::State,
    http::{
        StatusCode,
        header::{CONTENT_TYPE, RETRY_AFTER},
    },
    response::{IntoResponse, Response},
    routing::get,
};
use metrics_exporter_prometheus::{BuildError, PrometheusBuilder};
use serde_json::{Value, json};
use tokio::{
    net::TcpListener,
    runtime::Runtime,
    signal::unix::{SignalKind, signal},
    sync::oneshot,
    time::sleep,
};
use tower_jwt_auth::{
    Claims, JwtAuthLayer, Verifier,
    guard::RequireLayer,
    jwks::{RemoteKeys, RemoteKeysBuilder},
    possession::Dpop,
    protected_resource::ProtectedResource,
    token::{StepUp, TokenProfile},
};

use crate::{
    dpop::dpop,
    opaque::introspection,
    settings::{seconds, setting, switch},
    stateful::{LONGEST_LIFETIME, Opened, Stateful},
};

async fn me(claims: Claims) -> Json<Value> {
    let scopes: Vec<_> = claims.scopes().collect();
    Json(json!({ "sub": claims.subject(), "iss": claims.issuer(), "scopes": scopes }))
}

async fn write() -> Json<Value> {
    Json(json!({ "written": true }))
}

/// Requires a recent login.
async fn fresh(claims: Claims) -> Json<Value> {
    let auth_time = claims.auth_time().map(|time| time.as_secs());
    Json(json!({ "sub": claims.subject(), "auth_time": auth_time }))
}

/// Healthy while there are keys of at least one issuer.
async fn health(State(issuers): State<Vec<(String, RemoteKeys)>>) -> Response {
    let states = issuers.iter().map(|(issuer, keys)| {
        let state = keys.status();
        let age = state.age.map(|age| age.as_secs());
        json!({
            "issuer": issuer, "usable": state.is_usable,
            "age": age, "keys": state.keys, "skipped": state.skipped,
            "error": state.last_error.map(|error| error.to_string()),
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

/// Starts recording metrics, and returns the route that shows them to Prometheus. It needs no token:
/// keep it from the public.
fn record_metrics() -> Result<Router, BuildError> {
    let buckets = [0.0005, 0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1.0, 5.0];
    let handle = PrometheusBuilder::new().set_buckets(&buckets)?.install_recorder()?;
    let upkeep = handle.clone();
    tokio::spawn(async move {
        // Histograms collect values until they are drained.
        loop {
            sleep(Duration::from_secs(5)).await;
            upkeep.run_upkeep();
        }
    });
    let render = async move || ([(CONTENT_TYPE, "text/plain; version=0.0.4")], handle.render());
    Ok(Router::new().route("/metrics", get(render)))
}

async fn not_found() -> Response {
    let body = json!({ "detail": "Not found.", "code": "not_found" });
    (StatusCode::NOT_FOUND, Json(body)).into_response()
}

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
            eprintln!("resource_server: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn run() -> Result<(), Box<dyn Error>> {
    let profile = match &*setting("PROFILE")?.unwrap_or_else(|| "rfc9068".to_owned()) {
        "rfc9068" => TokenProfile::Rfc9068,
        "plain" => TokenProfile::Plain,
        "id_token" => TokenProfile::IdToken,
        other => {
            let message = format!("PROFILE must be rfc9068, plain or id_token, not {other:?}");
            return Err(message.into());
        }
    };
    let resource = setting("RESOURCE")?;
    let audience = setting("AUDIENCE")?.or_else(|| resource.clone());
    let audience = audience.ok_or("AUDIENCE is not set, nor is RESOURCE")?;
    let max_age = seconds("MAX_AGE")?.unwrap_or(Duration::from_secs(300));
    let recent_login = StepUp::builder().max_age(max_age).build();
    let recent_login = recent_login.map_err(|error| format!("MAX_AGE: {error}"))?;

    let reports_logouts = switch("BACKCHANNEL")?;

    store::check().await?;
    let metrics = record_metrics()?;
    let mut issuers = Vec::new();
    let (mut verifiers, mut logout_verifiers) = (Vec::new(), Vec::new());
    for (number, (issuer, keys)) in (1..).zip(trusted()?) {
        // The message names the issuer by its number, since a URL may contain a password.
        let numbered = |error| format!("issuer {number}: {error}");
        let keys = configured(keys)?.build().map_err(numbered)?;
        let verifier = |profile| {
            Verifier::builder(&keys).issuer(&*issuer).audience(&*audience).profile(profile)
        };
        let mut access = verifier(profile);
        if reports_logouts {
            access = access.longest_lifetime(LONGEST_LIFETIME);
        }
        verifiers.push(access.build().map_err(numbered)?);
        logout_verifiers.push(verifier(TokenProfile::LogoutToken).build().map_err(numbered)?);
        issuers.push((issuer, keys));
    }

    let mut auth: JwtAuthLayer = JwtAuthLayer::new(Verifier::by_issuer(verifiers)?);
    let names = issuers.iter().map(|(issuer, _)| issuer.clone()).collect();
    if let Some(introspection) = introspection(&audience, names)? {
        auth = auth.with_introspection(introspection)?;
    }
    let logout = reports_logouts.then(|| Verifier::by_issuer(logout_verifiers)).transpose()?;
    let Opened { mut auth, back_channel, dpop, _purger } =
        Stateful { auth, logout, dpop: dpop()? }.open()?;
    let mut metadata = Router::new();
    if let Some(resource) = resource {
        let resource = protected_resource(resource, &audience, &issuers, dpop.as_ref())?;
        auth = auth.with_protected_resource(&resource)?;
        metadata = resource.into_router();
    }
    let write_auth = auth.clone().with_required_scope("write")?;
    let app = Router::new()
        .route("/api/me", get(me))
        .route("/api/fresh", get(fresh).layer(RequireLayer::step_up(recent_login)))
        .route_layer(auth)
        .merge(Router::new().route("/api/write", get(write)).route_layer(write_auth))
        .route("/health", get(health))
        .fallback(not_found)
        .with_state(issuers)
        .merge(metadata)
        .merge(back_channel)
        .merge(metrics);

    serve(app).await
}

/// What this service publishes about itself, so that clients find the servers that issue its tokens.
fn protected_resource(
    identifier: String,
    audience: &str,
    issuers: &[(String, RemoteKeys)],
    dpop: Option<&Dpop>,
) -> Result<ProtectedResource, String> {
    let mut resource =
        ProtectedResource::builder(identifier).audience(audience).scopes_supported(["write"]);
    if let Some(dpop) = dpop {
        resource = resource.dpop(dpop);
    }
    let resource = issuers
        .iter()
        .fold(resource, |resource, (issuer, _)| resource.authorization_server(&**issuer));
    resource.build().map_err(|error| format!("RESOURCE: {error}"))
}

/// The trusted issuers, each with the source of its keys.
fn trusted() -> Result<Vec<(String, RemoteKeysBuilder)>, String> {
    match (setting("ISSUERS")?, setting("JWKS_URL")?, setting("ISSUER")?) {
        (Some(issuers), None, None) => Ok(issuers
            .split(',')
            .map(str::trim)
            .filter(|issuer| !issuer.is_empty())
            .map(|issuer| (issuer.to_owned(), RemoteKeys::from_issuer(issuer)))
            .collect()),
        (None, Some(url), Some(issuer)) => Ok(vec![(issuer, RemoteKeys::from_url(url))]),
        _ => Err("set either ISSUERS, or both JWKS_URL and ISSUER".to_owned()),
    }
}

fn configured(mut keys: RemoteKeysBuilder) -> Result<RemoteKeysBuilder, String> {
    if switch("ALLOW_HTTP")? {
        keys = keys.insecure_loopback_http();
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

/// Serves `app` on `HOST` and `PORT` until SIGINT or SIGTERM. Requests in flight then have three
/// seconds to finish.
async fn serve(app: Router) -> Result<(), Box<dyn Error>> {
    let host = setting("HOST")?.unwrap_or_else(|| "127.0.0.1".to_owned());
    let port = setting("PORT")?.unwrap_or_else(|| "3000".to_owned());
    let port: u16 = port.parse().map_err(|_| format!("PORT {port:?} is not a port number"))?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let listener = TcpListener::bind((&*host, port)).await;
    let listener = listener.map_err(|error| format!("cannot listen on {host}:{port}: {error}"))?;
    println!("listening on http://{}", listener.local_addr()?);

    let (stop, stopped) = oneshot::channel();
    let serving = axum::serve(listener, app).with_graceful_shutdown(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
        stop.send(()).ok();
    });
    // Without this deadline, an idle connection would keep the process alive.
    let deadline = async {
        stopped.await.ok();
        sleep(Duration::from_secs(3)).await;
    };
    tokio::select! {
        result = serving => Ok(result?),
        () = deadline => Ok(()),
    }
}
