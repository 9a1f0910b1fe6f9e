//! A web application: a page that keeps its session in cookies, and the same API for clients with
//! Bearer tokens.
//!
//! ```sh
//! cargo run --example webapp
//! ```
//!
//! Then open <http://localhost:3000>. Accounts, sessions and notes are in the database. Mails are on the
//! page `/outbox`, or in a folder.
//!
//! | variable | default | meaning |
//! |---|---|---|
//! | `RUST_LOG` | `info` | what to log |
//! | `HOST`, `PORT` | 127.0.0.1, 3000 | the address to listen on |
//! | `PUBLIC_URL` | `http://localhost:$PORT` | the origin at which browsers reach the application, and the start of links in mails |
//! | `DATABASE_URL` | `sqlite:webapp.db` | or `postgres://…`; any number of copies can share it |
//! | `JWT_SECRET` | | at least 32 bytes, the same for all copies |
//! | `OUTBOX` | | a folder for mails, a JSON file each; without it, everybody can read them on the page `/outbox` |
//! | `PASSWORD_RULES` | `nist` | or `django` |
//! | `SIGNUP` | `open` | or `safe`: nobody finds out who has an account, and users log in once they have confirmed their address |
//! | `TRUSTED_PROXIES` | 0 | how many proxies in front append the address of the client to `X-Forwarded-For` |
//! | `ACCESS_LIFETIME` | 300 | seconds |
//! | `REFRESH_LIFETIME` | 86400 | seconds |
//! | `REUSE_GRACE` | 10 | seconds in which a spent refresh token returns the same successor |
//!
//! Safari does not keep secure cookies of `http://localhost`. Use another browser, or a proxy with TLS.
//!
//! The secret also encrypts the keys of authenticator apps. Without `JWT_SECRET`, it is in `webapp.secret`, in the folder of the SQLite database or in
//! the working directory. The file is created if it is missing.
//!
//! `static/session.js` is the client to copy: see `tower_jwt_auth::browser`. Other clients use
//! Bearer tokens:
//!
//! ```sh
//! API=http://127.0.0.1:3000/api
//! USER='"username":"ada","password":"analytical engine","email":"ada@example.com"'
//! TOKENS=$(curl -s $API/users/ --json "{$USER,\"tokens\":true}")
//! ACCESS=$(echo $TOKENS | sed 's/.*"access":"\([^"]*\)".*/\1/')
//! curl -i $API/notes -H "Authorization: Bearer $ACCESS" --json '{"text":"Buy milk"}'
//! curl -i $API/sessions -H "Authorization: Bearer $ACCESS"
//! ```

mod api;
mod config;
mod database;
#[path = "../server/metrics.rs"]
mod metrics;
mod notes;
mod openapi;
mod outbox;
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

use std::{error::Error, process::ExitCode, time::Duration};

use axum::{http::header::USER_AGENT, middleware};
use tokio::runtime::Runtime;
use tower_jwt_auth::{
    Issuer, TokenRoutes,
    accounts::AccountRoutes,
    middleware::CrossSiteLayer,
    password::PasswordHasher,
    routes::SessionRoutes,
    store::{Purger, ThrottleStore, TokenStore},
    totp::{SqlTotpStore, Totp},
    transport::TokenSource,
    user::{SqlDatabase, SqlUsers},
};

use crate::{
    api::App,
    config::Config,
    database::{Files, Sessions},
    outbox::Outbox,
    secret::Secret,
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
    let url = setting("DATABASE_URL", "sqlite:webapp.db")?;
    let (sessions, files) = database::connect_lazy(&url)?;
    match sessions {
        Sessions::Sqlite(store) => run_with(store, files).await,
        Sessions::Postgres(store) => run_with(store, files).await,
    }
}

async fn run_with<S>(store: S, Files { notes, folder }: Files) -> Result<(), Box<dyn Error>>
where
    S: TokenStore + ThrottleStore + Clone,
    for<'s> &'s S: Into<SqlDatabase>,
{
    let config = Config::from_env()?;
    let metrics = metrics::record()?;
    let secret = Secret::load(&folder)?;
    let issuer = Issuer::builder(secret.signing_key()?)
        .claims::<Profile>()
        .access_lifetime(access_lifetime()?)
        .refresh_lifetime(refresh_lifetime()?)
        .rotate_refresh_tokens(true)
        .reuse_grace(seconds("REUSE_GRACE", 10)?)
        .store(store.clone())
        .build()?;
    let throttle = config.login_throttle(store.clone())?;
    let sign_up_throttle = config.throttle("sign-up", store.clone())?;
    let mail_throttle = config.throttle("mail", store.clone())?;
    let outbox = Outbox::new(config.outbox)?;
    let users = SqlUsers::builder(&store, PasswordHasher::new())
        .claims(Profile::of)
        .require_verified_email(config.safe_sign_up)
        .build()?;
    let totp = Totp::builder(SqlTotpStore::builder(&store).build()?, secret.totp_key())
        .issuer("Notes")
        .build()?;
    check_store("DATABASE_URL", &store).await?;
    let _purger = Purger::spawn(store, PURGE_INTERVAL);

    let listener = serve::listen().await?;
    let default_url = format!("http://localhost:{}", listener.local_addr()?.port());
    let public_url = setting("PUBLIC_URL", &default_url)?;
    let public_url = public_url.trim_end_matches('/');
    let cookies = config::session_cookies(public_url)?;
    let auth = issuer
        .layer()
        .with_cookies(&cookies)
        .with_additional_source(TokenSource::websocket_protocol("bearer")?);

    let sessions = SessionRoutes::builder(issuer.clone(), users.clone(), &cookies)
        .at("/api/session")
        .session_list_at("/api")
        .describe_user(|user| users::describe(user.id(), user.claims()))
        .session_label_from(USER_AGENT)
        .throttle(throttle.clone())
        .second_factor(totp.clone())
        .build()?;
    let tokens = TokenRoutes::builder(issuer.clone(), users.clone())
        .at("/api/token")
        // For the Authorize button of the page `/docs`.
        .password_grant_path("/grant")
        .throttle(throttle.clone())
        .second_factor(totp.clone())
        .build()?;
    let accounts = AccountRoutes::builder(issuer.clone(), users.clone(), outbox.clone())
        .at("/api")
        .with_cookies(sessions.cookies())
        .totp(totp.clone())
        .password_rules(config.password_rules.clone())
        .enumeration_safe(config.safe_sign_up)
        .tokens_at_sign_up(!config.safe_sign_up)
        .verify_link(format!("{public_url}/#verify={{token}}"))
        .reset_link(format!("{public_url}/#reset={{token}}"))
        .insecure_http_links(true) // for a `PUBLIC_URL` without TLS
        .password_throttle(throttle)
        .sign_up_throttle(sign_up_throttle)
        .mail_throttle(mail_throttle)
        .build()?;
    let documents = [sessions.openapi(), tokens.openapi(), accounts.openapi()];
    let document = openapi::document(&issuer, &cookies, documents)?;
    let password_rules = config.password_rules;
    let app = api::routes(App { issuer, users, totp, notes, password_rules }, auth)
        .merge(sessions.into_router())
        .merge(tokens.into_router())
        .merge(accounts.into_router())
        .merge(outbox.routes())
        .merge(metrics)
        .merge(pages::routes())
        .merge(openapi::routes(document))
        .fallback(api::not_found)
        // Outside of all routes: it also protects those that are added later.
        .layer(CrossSiteLayer::new(&cookies))
        .layer(middleware::map_response(pages::add_security_headers));
    serve::serve(listener, app).await
}
