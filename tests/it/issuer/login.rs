//! Logins through the token routes while the user is revoked.

use std::{
    error::Error,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use axum::{Router, middleware::map_response, response::Response};
use serde_json::json;
use tower_jwt_auth::{
    AuthError, Issuer, TokenRoutes,
    token::UserId,
    user::{Authentication, BackendError, User, UserBackend, UsernamePassword},
};

use crate::support::{
    login::{Directory, PASSWORD, Profile, Setup},
    reply::{Reply, post, send},
};

/// Users who are revoked while their password is checked.
#[derive(Clone)]
struct ChangingUsers {
    users: Directory<Profile>,
    issuer: Issuer<Profile>,
    /// How many checks a revocation interrupts.
    revocations: usize,
    changes_password: bool,
    checks: Arc<AtomicUsize>,
}

impl UserBackend<Profile> for ChangingUsers {
    type Credentials = UsernamePassword;

    async fn authenticate(
        &self,
        credentials: UsernamePassword,
    ) -> Result<Authentication<Profile>, BackendError> {
        let checks = self.checks.fetch_add(1, Ordering::SeqCst);
        let user = self.users.authenticate(credentials).await?.user();
        if checks < self.revocations {
            self.issuer.revoke_user(&UserId::from(1)).await.map_err(BackendError::unavailable)?;
        }
        Ok(user.filter(|_| !(self.changes_password && checks > 0)).into())
    }

    async fn find(&self, id: &UserId) -> Result<Option<User<Profile>>, BackendError> {
        self.users.find(id).await
    }
}

/// A login during which the user is revoked this often, and possibly gets a new password.
struct Login {
    setup: Setup,
    issuer: Issuer<Profile>,
    checks: usize,
    reply: Reply,
}

/// Adds the source of the error in the extensions.
async fn show_cause(mut response: Response) -> Response {
    let error = response.extensions().get::<AuthError>();
    if let Some(source) = error.and_then(|error| error.source()) {
        let cause = source.to_string().parse().unwrap();
        response.headers_mut().insert("x-cause", cause);
    }
    response
}

async fn log_in(revocations: usize, changes_password: bool) -> Login {
    let setup = Setup::new();
    let issuer = setup.issuer();
    let checks = Arc::<AtomicUsize>::default();
    let users = ChangingUsers {
        users: setup.users.clone(),
        issuer: issuer.clone(),
        revocations,
        changes_password,
        checks: Arc::clone(&checks),
    };
    let routes: Router = TokenRoutes::new(issuer.clone(), users).into_router();
    let app = routes.layer(map_response(show_cause));
    let body = json!({ "username": "1", "password": PASSWORD }).to_string();
    let reply = send(&app, post("/", body)).await;
    Login { setup, issuer, checks: checks.load(Ordering::SeqCst), reply }
}

async fn sessions(issuer: &Issuer<Profile>) -> usize {
    issuer.sessions(&UserId::from(1)).await.unwrap().len()
}

#[tokio::test]
async fn a_login_interrupted_by_revoke_user_checks_the_password_again() {
    let login = log_in(1, false).await;
    assert_eq!((login.reply.status.as_u16(), login.checks), (200, 2), "{:?}", login.reply);
    let access = login.reply.json()["access"].as_str().unwrap().to_owned();
    assert!(login.issuer.verify(&access).await.is_ok());
    assert_eq!(sessions(&login.issuer).await, 1);
    let events = login.setup.events.take();
    assert_eq!(events[0], "UserRevoked 1");
    assert!(events[1].starts_with("LoginSucceeded 1 ") && events.len() == 2, "{events:?}");
}

#[tokio::test]
async fn an_old_password_does_not_survive_revoke_user() {
    let login = log_in(1, true).await;
    assert_eq!((login.reply.status.as_u16(), login.checks), (401, 2), "{:?}", login.reply);
    assert_eq!(login.reply.json()["code"], "invalid_credentials");
    assert_eq!(sessions(&login.issuer).await, 0);
    assert_eq!(login.setup.events.take(), ["UserRevoked 1", "LoginFailed InvalidCredentials"]);
}

#[tokio::test]
async fn a_login_that_is_interrupted_twice_is_503() {
    for revocations in [2, usize::MAX] {
        let login = log_in(revocations, false).await;
        assert_eq!((login.reply.status.as_u16(), login.checks), (503, 2), "{:?}", login.reply);
        assert_eq!(login.reply.json()["code"], "unavailable");
        assert_eq!(login.reply.header("retry-after"), ["1"]);
        let cause = "the user was revoked during each attempt to log in";
        assert_eq!(login.reply.header("x-cause"), [cause]);
        assert_eq!(sessions(&login.issuer).await, 0);
        let events = login.setup.events.take();
        assert_eq!(events, ["UserRevoked 1", "UserRevoked 1", "LoginFailed Unavailable"]);
    }
}
