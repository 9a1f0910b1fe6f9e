//! The session routes, from the view of a browser.

mod browser;
mod cross_site;
mod current_user;
mod login;
mod logout;
mod refresh;
mod session_list;
mod settings;
mod stores;

use axum::Router;
use tower_jwt_auth::{
    Issuer,
    routes::{SessionRoutes, SessionRoutesBuilder},
    transport::SessionCookies,
};

use crate::support::{
    login::{Directory, MINUTE, Profile, Setup},
    reply::Reply,
};

type Builder = SessionRoutesBuilder<Directory<Profile>, Profile>;

fn cookies() -> SessionCookies {
    SessionCookies::builder().public_origin("https://app.example").build().unwrap()
}

/// Routes at `/api/session`, with a grace of a minute.
fn routes(setup: &Setup) -> Builder {
    routes_with(setup, graceful(setup))
}

fn graceful(setup: &Setup) -> Issuer<Profile> {
    setup.builder().reuse_grace(MINUTE).build().unwrap()
}

fn routes_with(setup: &Setup, issuer: Issuer<Profile>) -> Builder {
    SessionRoutes::builder(issuer, setup.users.clone(), &cookies()).at("/api/session")
}

fn router(builder: Builder) -> Router {
    builder.build().unwrap().into_router()
}

fn app(setup: &Setup) -> Router {
    router(routes(setup))
}

/// The status and the code of a response.
fn outcome(reply: &Reply) -> (u16, String) {
    let code = if reply.body.is_empty() { String::new() } else { code(reply) };
    (reply.status.as_u16(), code)
}

fn code(reply: &Reply) -> String {
    reply.json()["code"].as_str().unwrap_or_default().to_owned()
}

fn rejected(status: u16, code: &str) -> (u16, String) {
    (status, code.to_owned())
}
