//! Beside a Django project with SimpleJWT, on its database: tokens of either are good at the other.
//!
//! ```sh
//! export SECRET_KEY=… # of the project's settings.py
//! export DATABASE_URL=sqlite:///srv/app/db.sqlite3 # or postgres://user:password@localhost/app
//! export SIMPLE_JWT='{"ROTATE_REFRESH_TOKENS": true, "BLACKLIST_AFTER_ROTATION": true}'
//! TOKEN_BLACKLIST_APP=1 cargo run --example django
//! ```
//!
//! Then, in another shell:
//!
//! ```sh
//! API=http://127.0.0.1:3000/api JSON='content-type: application/json'
//! TOKENS=$(curl -s $API/token/ -H "$JSON" -d '{"username":"ada","password":"engine"}')
//! ACCESS=$(echo "$TOKENS" | sed 's/.*"access":"\([^"]*\)".*/\1/')
//! REFRESH=$(echo "$TOKENS" | sed 's/.*"refresh":"\([^"]*\)".*/\1/')
//!
//! curl -i $API/hello/ -H "authorization: Bearer $ACCESS"
//! curl -i $API/stateless/ -H "authorization: Bearer $ACCESS"
//! curl -i $API/token/verify/ -H "$JSON" -d "{\"token\":\"$ACCESS\"}"
//! curl -i $API/token/refresh/ -H "$JSON" -d "{\"refresh\":\"$REFRESH\"}"
//! curl -i $API/token/blacklist/ -H "$JSON" -d "{\"refresh\":\"$REFRESH\"}"
//! curl -i $API/token/sliding/ -H "$JSON" -d '{"username":"ada","password":"engine"}'
//! ```
//!
//! | variable | default | meaning |
//! |---|---|---|
//! | `HOST`, `PORT` | 127.0.0.1, 3000 | where it listens |
//! | `DATABASE_URL` | | Django's database |
//! | `SECRET_KEY` | | Django's, which signs where `SIMPLE_JWT` has no `SIGNING_KEY` |
//! | `SIMPLE_JWT` | `{}` | SimpleJWT's settings as JSON, durations in seconds or as `HH:MM:SS` |
//! | `TOKEN_BLACKLIST_APP` | 0 | 1: `rest_framework_simplejwt.token_blacklist` is installed |
//! | `TIME_ZONE` | | the project's, where it has `USE_TZ = False`; with SQLite, `TZ` as well |
//! | `PASSWORD_ITERATIONS` | 1000000 | those of `PBKDF2PasswordHasher` in the project's version of Django: hashes with others are replaced at a login |

use std::{
    env::{self, VarError},
    error::Error,
    process::ExitCode,
    time::Duration,
};

use axum::{
    Json, Router,
    http::{HeaderValue, Method, StatusCode, header::ALLOW},
    middleware::map_response,
    response::{IntoResponse, Response},
    routing::get,
};
use serde_json::{Value, json};
use tokio::{
    net::TcpListener,
    runtime::Runtime,
    signal::unix::{SignalKind, signal},
    sync::oneshot,
    time::sleep,
};
use tower_jwt_auth::{
    password::django::{DjangoHasher, Format},
    simplejwt::{DjangoDatabase, DjangoUser, DjangoUsers, Settings, SimpleJwt, TokenUser},
};

async fn hello(user: DjangoUser) -> Json<Value> {
    // As Django writes it: most primary keys are integers.
    let user_id = user.primary_key();
    let user_id = user_id.parse::<i64>().map_or_else(|_| user_id.into(), Value::from);
    Json(json!({ "user_id": user_id, "username": user.username() }))
}

async fn stateless(user: TokenUser) -> Json<Value> {
    Json(json!({ "user_id": user.id() }))
}

/// Django tells it with every answer.
async fn allow_get(mut response: Response) -> Response {
    response.headers_mut().insert(ALLOW, HeaderValue::from_static("GET, HEAD, OPTIONS"));
    response
}

async fn method_not_allowed(method: Method) -> Response {
    let body = json!({ "detail": format!("Method \"{method}\" not allowed.") });
    (StatusCode::METHOD_NOT_ALLOWED, Json(body)).into_response()
}

async fn not_found() -> Response {
    (StatusCode::NOT_FOUND, Json(json!({ "detail": "Not found." }))).into_response()
}

fn main() -> ExitCode {
    let result = Runtime::new().map_err(Into::into).and_then(|runtime| {
        let result = runtime.block_on(run());
        // A blocking call, such as a DNS lookup without a reply, must not delay the end.
        runtime.shutdown_background();
        result
    });
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("django: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn run() -> Result<(), Box<dyn Error>> {
    let settings: Settings = serde_json::from_str(&setting("SIMPLE_JWT", "{}")?)
        .map_err(|error| format!("SIMPLE_JWT: {error}"))?;
    let mut database = DjangoDatabase::connect_lazy(&setting("DATABASE_URL", "")?)
        .map_err(|error| format!("DATABASE_URL: {error}"))?;
    let time_zone = setting("TIME_ZONE", "")?;
    if !time_zone.is_empty() {
        database = database.with_local_times(&time_zone)?;
    }

    let iterations = setting("PASSWORD_ITERATIONS", "1000000")?;
    let iterations = iterations
        .parse()
        .map_err(|_| format!("PASSWORD_ITERATIONS {iterations:?} is not a number"))?;
    let others = [Format::PBKDF2_SHA1, Format::ARGON2, Format::BCRYPT_SHA256, Format::SCRYPT];
    let hasher = DjangoHasher::builder()
        .formats([&[Format::Pbkdf2Sha256 { iterations }], &others[..]].concat())
        .build()?;

    let mut builder = SimpleJwt::builder(settings)
        .users(DjangoUsers::new(database).with_hasher(hasher))
        .blacklist_app(switch("TOKEN_BLACKLIST_APP")?);
    let secret_key = setting("SECRET_KEY", "")?;
    if !secret_key.is_empty() {
        builder = builder.secret_key(secret_key);
    }
    let jwt = builder.build()?;

    let loaded = get(hello).fallback(method_not_allowed).layer(jwt.layer()?);
    let stateless = get(stateless).fallback(method_not_allowed).layer(jwt.stateless_layer());
    let protected = Router::new()
        .route("/api/hello/", loaded.clone())
        .route("/api/hello", loaded)
        .route("/api/stateless/", stateless.clone())
        .route("/api/stateless", stateless)
        .layer(map_response(allow_get));
    let app = protected.merge(jwt.views()?.router("/api/token")?).fallback(not_found);

    serve(app).await
}

/// Serves `app` on `HOST` and `PORT` until SIGINT or SIGTERM. Requests in flight then have three
/// seconds to finish.
async fn serve(app: Router) -> Result<(), Box<dyn Error>> {
    let (host, port) = (setting("HOST", "127.0.0.1")?, setting("PORT", "3000")?);
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

/// The environment variable `name`, or `default` if it is not set.
fn setting(name: &str, default: &str) -> Result<String, String> {
    match env::var(name) {
        Err(VarError::NotPresent) => Ok(default.to_owned()),
        value => value.map_err(|_| format!("{name} is not UTF-8")),
    }
}

/// Whether the environment variable `name` is 1 instead of 0, the default.
fn switch(name: &str) -> Result<bool, String> {
    match &*setting(name, "0")? {
        "0" => Ok(false),
        "1" => Ok(true),
        other => Err(format!("{name} must be 0 or 1, not {other:?}")),
    }
}
