//! A service beside a Django project with SimpleJWT, on the project's database. Tokens issued by one
//! are accepted by the other.
//!
//! ```sh
//! export SECRET_KEY=… # from the project's settings.py
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
//! | `RUST_LOG` | `info` | what to log |
//! | `HOST`, `PORT` | 127.0.0.1, 3000 | the address to listen on |
//! | `DATABASE_URL` | | Django's database |
//! | `SECRET_KEY` | | Django's `SECRET_KEY`; signs tokens if `SIMPLE_JWT` has no `SIGNING_KEY` |
//! | `SIMPLE_JWT` | `{}` | SimpleJWT's settings as JSON, durations in seconds or as `HH:MM:SS` |
//! | `TOKEN_BLACKLIST_APP` | 0 | 1 if `rest_framework_simplejwt.token_blacklist` is installed |
//! | `TIME_ZONE` | | the project's `TIME_ZONE` if it has `USE_TZ = False`; with SQLite, set `TZ` as well |
//! | `PASSWORD_ITERATIONS` | 1000000 | the iterations of `PBKDF2PasswordHasher` in the project's version of Django; a login replaces hashes with other iterations |

use std::{
    env::{self, VarError},
    error::Error,
    iter,
    process::ExitCode,
    time::Duration,
};

use axum::{
    Json, Router,
    http::{HeaderValue, Method, StatusCode, header::ALLOW},
    middleware::map_response,
    response::{IntoResponse, Response},
    routing::{MethodRouter, get},
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
    store::{StoreError, StoreErrorKind},
};

/// Loads the user from the database.
async fn hello(user: DjangoUser) -> Json<Value> {
    // Django writes an integer, which most primary keys are.
    let user_id = user.primary_key();
    let user_id = user_id.parse::<i64>().map_or_else(|_| user_id.into(), Value::from);
    Json(json!({ "user_id": user_id, "username": user.username() }))
}

/// Only reads the token.
async fn stateless(user: TokenUser) -> Json<Value> {
    Json(json!({ "user_id": user.id() }))
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
            eprintln!("django: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn run() -> Result<(), Box<dyn Error>> {
    let settings: Settings = serde_json::from_str(&setting("SIMPLE_JWT", "{}")?)
        .map_err(|error| format!("SIMPLE_JWT: {error}"))?;
    let users = DjangoUsers::new(database()?).with_hasher(hasher()?);
    let mut builder =
        SimpleJwt::builder(settings).users(users).blacklist_app(switch("TOKEN_BLACKLIST_APP")?);
    let secret_key = setting("SECRET_KEY", "")?;
    if !secret_key.is_empty() {
        builder = builder.secret_key(secret_key);
    }
    let jwt = builder.build()?;
    // An unreachable database does not prevent the start: requests get 503 until it is up.
    if let Err(error) = jwt.check_database().await {
        if error.status() != StatusCode::SERVICE_UNAVAILABLE {
            return Err(root_cause(&error).into());
        }
        if can_never_work(&error) {
            return Err(format!("DATABASE_URL: {}", root_cause(&error)).into());
        }
    }

    let hello = view("Hello", get(hello)).layer(jwt.layer()?);
    let stateless = view("Stateless", get(stateless)).layer(jwt.stateless_layer());
    let app = Router::new()
        .route("/api/hello/", hello.clone())
        .route("/api/hello", hello)
        .route("/api/stateless/", stateless.clone())
        .route("/api/stateless", stateless)
        .layer(map_response(add_allow))
        .merge(jwt.views()?.router("/api/token")?)
        .fallback(not_found);
    serve(app).await
}

/// Whether the database rejects the password or does not exist.
fn can_never_work(error: &(dyn Error + 'static)) -> bool {
    let mut causes = iter::successors(Some(error), |&error| error.source());
    causes
        .find_map(|error| error.downcast_ref::<StoreError>())
        .is_some_and(|error| error.kind() == StoreErrorKind::Misconfigured)
}

fn root_cause(error: &dyn Error) -> String {
    error.source().map_or_else(|| error.to_string(), root_cause)
}

fn database() -> Result<DjangoDatabase, Box<dyn Error>> {
    let database = DjangoDatabase::connect_lazy(&setting("DATABASE_URL", "")?)
        .map_err(|error| format!("DATABASE_URL: {error}"))?;
    let time_zone = setting("TIME_ZONE", "")?;
    if time_zone.is_empty() { Ok(database) } else { Ok(database.with_local_times(&time_zone)?) }
}

/// Django's default list of hashers, with another number of iterations.
fn hasher() -> Result<DjangoHasher, Box<dyn Error>> {
    let iterations = setting("PASSWORD_ITERATIONS", "1000000")?;
    let iterations = iterations
        .parse()
        .map_err(|_| format!("PASSWORD_ITERATIONS {iterations:?} is not a number"))?;
    let formats = [
        Format::Pbkdf2Sha256 { iterations },
        Format::PBKDF2_SHA1,
        Format::ARGON2,
        Format::BCRYPT_SHA256,
        Format::SCRYPT,
    ];
    Ok(DjangoHasher::builder().formats(formats).build()?)
}

/// Responds to other methods as Django REST framework does.
fn view(name: &'static str, handlers: MethodRouter) -> MethodRouter {
    let options = json!({ "name": name, "renders": ["application/json"] });
    handlers.options(async move || Json(options)).fallback(method_not_allowed)
}

async fn method_not_allowed(method: Method) -> Response {
    let body = json!({ "detail": format!("Method \"{method}\" not allowed.") });
    (StatusCode::METHOD_NOT_ALLOWED, Json(body)).into_response()
}

async fn not_found() -> Response {
    (StatusCode::NOT_FOUND, Json(json!({ "detail": "Not found." }))).into_response()
}

/// Django sends `Allow` with every response, including `401`.
async fn add_allow(mut response: Response) -> Response {
    response.headers_mut().insert(ALLOW, HeaderValue::from_static("GET, HEAD, OPTIONS"));
    response
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
