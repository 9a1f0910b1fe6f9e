//! An application in the test process, with a clock that the test controls.

use std::{
    mem,
    sync::{Arc, Mutex},
    thread,
    time::{Duration, Instant},
};

use axum::{
    Json, Router,
    extract::{Request, State},
    http::{StatusCode, header::COOKIE},
    middleware::{Next, from_fn_with_state},
    response::{Html, IntoResponse, Response},
    routing::{any, get},
};
use http::header::{CONTENT_TYPE, UPGRADE};
use serde_json::json;
use tokio::sync::watch;
use tower_jwt_auth::{
    Claims, Issuer, ManualClock, MemoryStore, NumericDate, TokenRoutes,
    middleware::CrossSiteLayer,
    routes::SessionRoutes,
    token::UserId,
    transport::{SameSite, SessionCookies, SessionCookiesBuilder},
    user::{Authentication, BackendError, User, UserBackend, UsernamePassword},
};

use crate::support::login::{NOW, Profile, key};

use super::{
    driver::{TIMEOUT, Tab},
    site::Site,
};

/// The page of the application, which the snippets of the documentation fill.
const PAGE: &str = "<!doctype html><title>App</title><link rel=icon href=data:><p id=user></p>";

/// The module that applications copy.
pub(super) const SESSION_JS: &str = include_str!("../../../examples/webapp/static/session.js");

pub(super) struct App {
    pub(super) site: Site,
    issuer: Issuer<Profile>,
    clock: ManualClock,
    log: Log,
    refreshes: watch::Sender<Refreshes>,
}

/// What happens to refreshes.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Refreshes {
    Served,
    /// They are served, but the response is held back.
    Held,
    /// They are not served. The response is `503`.
    Down,
}

/// A request, and the status of its response once it has one.
type Entry = (String, Option<StatusCode>);

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<Entry>>>);

impl App {
    /// An application whose cookies are sent with the requests of all sites.
    pub(super) fn with_unrestricted_cookies() -> Self {
        let none = SameSite::None;
        Self::start(|cookies| cookies.same_site(none).refresh_same_site(none), |app| app)
    }

    /// An application with other cookies than those of the defaults, and in further layers.
    pub(super) fn start(
        configure: impl FnOnce(SessionCookiesBuilder) -> SessionCookiesBuilder,
        wrap: impl FnOnce(Router) -> Router,
    ) -> Self {
        let clock = ManualClock::new(NumericDate::from_secs(NOW));
        let issuer = Issuer::builder(key())
            .claims()
            .rotate_refresh_tokens(true)
            .clock(clock.clone())
            .store(MemoryStore::new())
            .build()
            .unwrap();
        let cookies = configure(SessionCookies::builder()).build().unwrap();
        let (log, refreshes) = (Log::default(), watch::Sender::new(Refreshes::Served));
        let app = router(&issuer, &cookies)
            .layer(from_fn_with_state(refreshes.clone(), control_refreshes))
            .layer(from_fn_with_state(log.clone(), record));
        Self { site: Site::start(wrap(app)), issuer, clock, log, refreshes }
    }

    /// Logs the browser in as demo, from the page of the application, and forgets the requests.
    pub(super) fn log_in(&self, tab: &Tab<'_>) {
        tab.open(&self.site.url("/"));
        log_in(tab, "demo");
        self.requests();
    }

    pub(super) fn expire_access_tokens(&self) {
        self.clock.advance(Duration::from_secs(301));
    }

    pub(super) fn set_refreshes(&self, refreshes: Refreshes) {
        self.refreshes.send_replace(refreshes);
    }

    /// The number of sessions of demo.
    pub(super) fn sessions(&self) -> usize {
        let user_id = UserId::from("demo");
        self.site.block_on(self.issuer.sessions(&user_id)).unwrap().len()
    }

    pub(super) fn end_sessions(&self) {
        self.site.block_on(self.issuer.revoke_user(&UserId::from("demo"))).unwrap();
    }

    /// The requests since the last call, such as `POST /api/me with cookies: 403`, in the order of
    /// their arrival.
    pub(super) fn requests(&self) -> Vec<String> {
        let entries = mem::take(&mut *self.log.0.lock().unwrap());
        let describe = |(request, status): Entry| match status {
            Some(status) => format!("{request}: {}", status.as_u16()),
            None => format!("{request}: pending"),
        };
        entries.into_iter().map(describe).collect()
    }

    /// Waits until `count` requests have a response, and returns them.
    pub(super) fn completed(&self, count: usize) -> Vec<String> {
        self.wait_until(|log| log.iter().filter(|(_, status)| status.is_some()).count() >= count);
        self.requests()
    }

    /// Waits until `count` requests of `path` have arrived.
    pub(super) fn wait_for(&self, count: usize, path: &str) {
        let is_there = |(request, _): &&Entry| request.contains(path);
        self.wait_until(|log| log.iter().filter(is_there).count() >= count);
    }

    fn wait_until(&self, is_reached: impl Fn(&[Entry]) -> bool) {
        let began = Instant::now();
        while !is_reached(&self.log.0.lock().unwrap()) {
            assert!(began.elapsed() < TIMEOUT, "only {:?}", self.requests());
            thread::sleep(Duration::from_millis(5));
        }
    }
}

/// Logs in by the session routes, from a page of the application.
pub(super) fn log_in(tab: &Tab<'_>, username: &str) {
    let body = json!({ "username": username, "password": format!("{username}-password") });
    let login = format!(
        "const headers = {{ 'content-type': 'application/json' }};
         const body = JSON.stringify({body});
         return (await fetch('/api/session/', {{ method: 'POST', headers, body }})).status;"
    );
    assert_eq!(tab.run(&login), 200);
}

fn router(issuer: &Issuer<Profile>, cookies: &SessionCookies) -> Router {
    let sessions = SessionRoutes::builder(issuer.clone(), Users, cookies)
        .at("/api/session")
        .session_list_at("/api")
        .build();
    let tokens = TokenRoutes::builder(issuer.clone(), Users).at("/api/token").build();
    Router::new()
        .route("/api/me", any(me))
        .route("/api/echo", any(async |_: Claims<Profile>, body: String| body))
        .route("/ws", any(me))
        .route_layer(issuer.layer().with_cookies(cookies))
        .route("/unauthenticated", any(async || "done"))
        .route("/always-401", any(async || StatusCode::UNAUTHORIZED))
        .merge(sessions.unwrap().into_router())
        .merge(tokens.unwrap().into_router())
        .layer(CrossSiteLayer::new(cookies))
        .route("/", get(async || Html(PAGE)))
        .route(
            "/static/session.js",
            get(async || ([(CONTENT_TYPE, "text/javascript")], SESSION_JS)),
        )
}

/// The users `demo` and `admin` of the examples. The name is the id.
struct Users;

impl UserBackend<Profile> for Users {
    type Credentials = UsernamePassword;

    async fn authenticate(
        &self,
        UsernamePassword { username, password, .. }: UsernamePassword,
    ) -> Result<Authentication<Profile>, BackendError> {
        let user = self.find(&UserId::from(&*username)).await?;
        Ok(user.filter(|_| *password == format!("{username}-password")).into())
    }

    async fn find(&self, id: &UserId) -> Result<Option<User<Profile>>, BackendError> {
        let is_known = ["demo", "admin"].contains(&id.as_str());
        let profile = Profile { username: id.to_string() };
        Ok(is_known.then(|| User::new(id.clone(), profile)))
    }
}

async fn me(claims: Claims<Profile>) -> Json<Profile> {
    Json((*claims).clone())
}

async fn control_refreshes(
    State(refreshes): State<watch::Sender<Refreshes>>,
    request: Request,
    next: Next,
) -> Response {
    if !request.uri().path().contains("/refresh") {
        return next.run(request).await;
    }
    if *refreshes.borrow() == Refreshes::Down {
        return StatusCode::SERVICE_UNAVAILABLE.into_response();
    }
    // The layers of the application have no part in what a slow network does: a client that goes
    // away does not stop a refresh that the server has begun.
    let response = tokio::spawn(next.run(request)).await.unwrap();
    let mut refreshes = refreshes.subscribe();
    refreshes.wait_for(|refreshes| *refreshes != Refreshes::Held).await.unwrap();
    response
}

async fn record(State(Log(log)): State<Log>, request: Request, next: Next) -> Response {
    let (path, headers) = (request.uri().path().to_owned(), request.headers());
    if path == "/" || path.ends_with(".js") || path == "/favicon.ico" {
        return next.run(request).await;
    }
    let has_cookies = headers.get(COOKIE).is_some_and(|cookies| {
        let cookies = cookies.to_str().unwrap();
        cookies.contains("access=") || cookies.contains("refresh=")
    });
    let method = if headers.contains_key(UPGRADE) { "UPGRADE" } else { request.method().as_str() };
    let line = format!("{method} {path} {} cookies", if has_cookies { "with" } else { "without" });
    let index = {
        let mut log = log.lock().unwrap();
        log.push((line, None));
        log.len() - 1
    };
    let response = next.run(request).await;
    // The test may have taken the entries meanwhile.
    if let Some((_, status)) = log.lock().unwrap().get_mut(index) {
        *status = Some(response.status());
    }
    response
}
