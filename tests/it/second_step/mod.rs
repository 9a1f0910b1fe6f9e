//! Logins in two steps: a password, then a code.

mod passkey;
mod races;
mod rules;
mod throttle;

use std::sync::{
    Arc,
    atomic::{AtomicU8, AtomicUsize, Ordering},
};

use axum::Router;
use serde_json::{Value, json};
use tower_jwt_auth::{
    TokenRoutes,
    routes::SessionRoutes,
    token::UserId,
    transport::SessionCookies,
    user::{Authentication, BackendError, SecondFactor, User, UserBackend, UsernamePassword},
};

use crate::support::{
    login::{Directory, PASSWORD, Profile, Setup, payload},
    reply::{Reply, post, send},
};

const CODE: &str = "755224";

/// Users who all have a second factor.
#[derive(Clone)]
struct Careful(Directory<Profile>);

impl UserBackend<Profile> for Careful {
    type Credentials = UsernamePassword;

    async fn authenticate(
        &self,
        credentials: UsernamePassword,
    ) -> Result<Authentication<Profile>, BackendError> {
        let user = self.0.authenticate(credentials).await?.user();
        Ok(user.map_or(Authentication::Invalid, Authentication::SecondFactor))
    }

    async fn find(&self, id: &UserId) -> Result<Option<User<Profile>>, BackendError> {
        self.0.find(id).await
    }
}

/// Accepts [`CODE`] any number of times, so that only the step limits a login. Counts the codes.
#[derive(Clone, Default)]
struct Codes {
    verified: Arc<AtomicUsize>,
    enabled: Arc<AtomicU8>,
}

/// What [`Codes`] return for all users.
#[derive(Clone, Copy)]
#[repr(u8)]
enum Enabled {
    No,
    Yes,
    Unknown,
}

impl SecondFactor for Codes {
    async fn is_enabled(&self, _: &UserId) -> Result<bool, BackendError> {
        const UNKNOWN: u8 = Enabled::Unknown as u8;
        match self.enabled.load(Ordering::SeqCst) {
            UNKNOWN => Err(BackendError::unavailable("unavailable")),
            enabled => Ok(enabled == Enabled::Yes as u8),
        }
    }

    async fn verify(&self, _: &UserId, code: &str) -> Result<bool, BackendError> {
        self.verified.fetch_add(1, Ordering::SeqCst);
        tokio::task::yield_now().await;
        match code {
            "outage" => Err(BackendError::unavailable("unavailable")),
            code => Ok(code == CODE),
        }
    }
}

impl Codes {
    fn verified(&self) -> usize {
        self.verified.load(Ordering::SeqCst)
    }

    fn set(&self, enabled: Enabled) {
        self.enabled.store(enabled as u8, Ordering::SeqCst);
    }
}

/// An application with one kind of routes at `base`.
#[derive(Clone)]
struct App {
    router: Router,
    base: &'static str,
    codes: Codes,
}

/// The same application with the token routes and with the session routes. All users need a code.
fn apps(setup: &Setup) -> [App; 2] {
    apps_of(setup, &Careful(setup.users.clone()))
}

fn apps_of<U: UserBackend<Profile> + Clone>(setup: &Setup, users: &U) -> [App; 2] {
    let (issuer, codes) = (setup.issuer(), Codes::default());
    let tokens = TokenRoutes::builder(issuer.clone(), users.clone()).at("/token");
    let tokens = tokens.second_factor(codes.clone()).build().unwrap();
    let sessions = SessionRoutes::builder(issuer, users.clone(), &cookies()).at("/session");
    let sessions = sessions.second_factor(codes.clone()).build().unwrap();
    [
        App { router: tokens.into_router(), base: "/token", codes: codes.clone() },
        App { router: sessions.into_router(), base: "/session", codes },
    ]
}

fn cookies() -> SessionCookies {
    SessionCookies::builder().public_origin("https://app.example").build().unwrap()
}

impl App {
    async fn log_in(&self, username: &str, password: &str) -> Reply {
        let body = json!({ "username": username, "password": password }).to_string();
        send(&self.router, post(&format!("{}/", self.base), body)).await
    }

    /// The step of a login with the right password.
    async fn step(&self) -> String {
        let reply = self.log_in("1", PASSWORD).await;
        reply.json()["step"].as_str().expect("a step").to_owned()
    }

    async fn complete(&self, step: &str, code: &str) -> Reply {
        let body = json!({ "step": step, "code": code }).to_string();
        send(&self.router, post(&format!("{}/second-factor", self.base), body)).await
    }

    /// The status and the code of the response to the second step.
    async fn outcome(&self, step: &str, code: &str) -> (u16, String) {
        outcome(&self.complete(step, code).await)
    }
}

/// The `amr` of the access token in a response.
fn amr_of(reply: &Reply) -> Value {
    assert_eq!(reply.status, 200, "{reply:?}");
    let body = reply.json();
    let token = body["access"].as_str().unwrap_or_else(|| cookie_of(reply));
    payload(token)["amr"].clone()
}

/// The access token in the cookies of a response.
fn cookie_of(reply: &Reply) -> &str {
    let cookies = reply.header("set-cookie");
    let access = cookies.iter().find(|cookie| cookie.contains("access")).unwrap();
    access.split_once('=').unwrap().1.split_once(';').unwrap().0
}

fn outcome(reply: &Reply) -> (u16, String) {
    let code = reply.json()["code"].as_str().unwrap_or_default().to_owned();
    (reply.status.as_u16(), code)
}

fn rejected(code: &str) -> (u16, String) {
    (401, code.to_owned())
}
