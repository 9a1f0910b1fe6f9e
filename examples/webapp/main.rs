//! A web application: a page that keeps its session in cookies, and the same API for clients with
//! Bearer tokens.
//!
//! ```sh
//! cargo run --example webapp
//! ```
//!
//! Then open <http://localhost:3000>. The users are `demo` with the password `demo-password` and
//! `admin` with `admin-password`. Users and notes are in memory, sessions in the database.
//!
//! | variable | default | meaning |
//! |---|---|---|
//! | `RUST_LOG` | `info` | what to log |
//! | `HOST`, `PORT` | 127.0.0.1, 3000 | the address to listen on |
//! | `PUBLIC_URL` | `http://localhost:$PORT` | the origin at which browsers reach the application |
//! | `DATABASE_URL` | `sqlite:webapp.db` | or `postgres://…`; any number of copies can share it |
//! | `JWT_SECRET` | | at least 32 bytes, the same for all copies |
//! | `ACCESS_LIFETIME` | 300 | seconds |
//! | `REFRESH_LIFETIME` | 86400 | seconds |
//! | `REUSE_GRACE` | 10 | seconds in which a spent refresh token returns the same successor |
//!
//! Safari does not keep secure cookies of `http://localhost`. Use another browser, or a proxy with TLS.
//!
//! Without `JWT_SECRET`, the secret is in `webapp.secret`, in the folder of the SQLite database or in
//! the working directory. The file is created if it is missing.
//!
//! `static/session.js` is the client to copy: see `tower_jwt_auth::browser`. Other clients use
//! Bearer tokens:
//!
//! ```sh
//! API=http://127.0.0.1:3000/api
//! TOKENS=$(curl -s $API/token/ --json '{"username":"demo","password":"demo-password"}')
//! ACCESS=$(echo $TOKENS | sed 's/.*"access":"\([^"]*\)".*/\1/')
//! curl -i $API/notes -H "Authorization: Bearer $ACCESS" --json '{"text":"Buy milk"}'
//! curl -i $API/sessions -H "Authorization: Bearer $ACCESS"
//! ```

mod api;
mod database;
#[path = "../server/metrics.rs"]
mod metrics;
mod notes;
mod pages;
mod secret;
#[path = "../server/serve.rs"]
mod serve;
#[path = "../server/settings.rs"]
#[expect(dead_code, reason = "some settings belong to the other example")]
mod settings;
mod socket;
#[path = "../server/store_check.rs"]
mod store_check;
mod users;

use std::{error::Error, path::Path, process::ExitCode, time::Duration};

use axum::{
    http::{
        Uri,
        header::USER_AGENT,
        uri::{InvalidUri, Scheme},
    },
    middleware,
};
use tokio::runtime::Runtime;
use tower_jwt_auth::{
    Issuer, TokenRoutes,
    middleware::CrossSiteLayer,
    routes::SessionRoutes,
    store::{Purger, TokenStore},
    transport::{SessionCookies, TokenSource},
};

use crate::{
    api::App,
    database::Database,
    notes::Notes,
    settings::{access_lifetime, refresh_lifetime, seconds, setting, with_causes},
    store_check::check_store,
    users::Profile,
};

const PURGE_INTERVAL: Duration = Duration::from_secs(60);

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
            eprintln!("webapp: {}", with_causes(&*error));
            ExitCode::FAILURE
        }
    }
}

async fn run() -> Result<(), Box<dyn Error>> {
    let (database, folder) = Database::from_env()?;
    match database {
        Database::Sqlite(store) => run_with(store, &folder).await,
        Database::Postgres(store) => run_with(store, &folder).await,
    }
}

async fn run_with(store: impl TokenStore + Clone, folder: &Path) -> Result<(), Box<dyn Error>> {
    let metrics = metrics::record()?;
    let issuer = Issuer::builder(secret::signing_key(folder)?)
        .claims::<Profile>()
        .access_lifetime(access_lifetime()?)
        .refresh_lifetime(refresh_lifetime()?)
        .rotate_refresh_tokens(true)
        .reuse_grace(seconds("REUSE_GRACE", 10)?)
        .store(store.clone())
        .build()?;
    check_store("DATABASE_URL", &store).await?;
    let _purger = Purger::spawn(store, PURGE_INTERVAL);

    let listener = serve::listen().await?;
    let default_url = format!("http://localhost:{}", listener.local_addr()?.port());
    let cookies = session_cookies(&setting("PUBLIC_URL", &default_url)?)?;
    let auth = issuer
        .layer()
        .with_cookies(&cookies)
        .with_additional_source(TokenSource::websocket_protocol("bearer")?);

    let users = users::users().await?;
    let sessions = SessionRoutes::builder(issuer.clone(), users.clone(), &cookies)
        .at("/api/session")
        .session_list_at("/api")
        .describe_user(|user| users::describe(user.id(), user.claims()))
        .session_label_from(USER_AGENT)
        .build()?;
    let tokens = TokenRoutes::builder(issuer.clone(), users).at("/api/token").build()?;
    let app = api::routes(App { issuer, notes: Notes::default() }, auth)
        .merge(sessions.into_router())
        .merge(tokens.into_router())
        .merge(metrics)
        .merge(pages::routes())
        .fallback(api::not_found)
        // Outside of all routes: it also protects those that are added later.
        .layer(CrossSiteLayer::new(&cookies))
        .layer(middleware::map_response(pages::add_security_headers));
    serve::serve(listener, app).await
}

/// The cookies for an application at the origin `public_url`.
fn session_cookies(public_url: &str) -> Result<SessionCookies, String> {
    let url: Uri =
        public_url.parse().map_err(|error: InvalidUri| format!("PUBLIC_URL: {error}"))?;
    // Browsers keep secure cookies of plain http only for this computer.
    let is_local = ["localhost", "127.0.0.1", "[::1]"].contains(&url.host().unwrap_or_default());
    let is_plain = url.scheme() == Some(&Scheme::HTTP);
    let cookies = SessionCookies::builder()
        .public_origin(public_url.trim_end_matches('/'))
        .insecure_http(is_plain && !is_local)
        .build();
    cookies.map_err(|error| format!("PUBLIC_URL: {error}"))
}
