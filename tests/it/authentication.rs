//! Why a login fails: the reasons of a `UserBackend`, and their responses.

use axum::Router;
use serde_json::json;
use tower_jwt_auth::{
    AuthErrorKind, Issuer, TokenRoutes,
    routes::SessionRoutes,
    token::UserId,
    transport::SessionCookies,
    user::{Authentication, BackendError, User, UserBackend, UsernamePassword},
};

use crate::support::{
    login::{PASSWORD, Profile, Setup, ada},
    reply::{Reply, post, send},
};

/// Accounts whose name is their state, and whose password is right or not.
#[derive(Clone, Copy)]
struct Accounts;

impl UserBackend<Profile> for Accounts {
    type Credentials = UsernamePassword;

    async fn authenticate(
        &self,
        credentials: UsernamePassword,
    ) -> Result<Authentication<Profile>, BackendError> {
        if *credentials.password != PASSWORD {
            return Ok(Authentication::Invalid);
        }
        Ok(match &*credentials.username {
            "ada" => ada().into(),
            "inactive" => ada().with_active(false).into(),
            "unverified" => Authentication::Unverified,
            "locked" => Authentication::Locked,
            "expired" => Authentication::PasswordExpired,
            _ => None.into(),
        })
    }

    async fn find(&self, _: &UserId) -> Result<Option<User<Profile>>, BackendError> {
        Ok(Some(ada()))
    }
}

/// The token routes and the session routes.
fn apps(issuer: &Issuer<Profile>) -> [(Router, &'static str); 2] {
    let cookies = SessionCookies::builder().public_origin("https://app.example").build().unwrap();
    let sessions = SessionRoutes::builder(issuer.clone(), Accounts, &cookies).at("/api/session");
    [
        (TokenRoutes::new(issuer.clone(), Accounts).into_router(), "/"),
        (sessions.build().unwrap().into_router(), "/api/session/"),
    ]
}

async fn log_in((app, path): &(Router, &str), username: &str, password: &str) -> Reply {
    let body = json!({ "username": username, "password": password }).to_string();
    send(app, post(path, body)).await
}

#[tokio::test]
async fn each_reason_has_a_response_of_its_own() {
    let setup = Setup::new();
    for app in apps(&setup.issuer()) {
        for (username, code, kind) in [
            ("unverified", "account_unverified", "AccountUnverified"),
            ("locked", "account_locked", "AccountLocked"),
            ("expired", "password_expired", "PasswordExpired"),
        ] {
            let reply = log_in(&app, username, PASSWORD).await;
            assert_eq!((reply.status.as_u16(), &reply.json()["code"]), (401, &json!(code)));
            assert_eq!(reply.header("www-authenticate"), [r#"Bearer realm="api""#]);
            assert_eq!(reply.header("set-cookie"), [""; 0]);
            assert_eq!(setup.events.take(), [format!("LoginFailed {kind}")]);
        }
        assert_eq!(log_in(&app, "ada", PASSWORD).await.status, 200);
        setup.events.take();
    }
}

#[tokio::test]
async fn without_the_password_all_accounts_look_the_same() {
    let setup = Setup::new();
    for app in apps(&setup.issuer()) {
        let mut replies = Vec::new();
        for (username, password) in [
            ("unknown", PASSWORD),
            ("inactive", PASSWORD),
            ("ada", "wrong"),
            ("inactive", "wrong"),
            ("unverified", "wrong"),
            ("locked", "wrong"),
            ("expired", "wrong"),
        ] {
            let reply = log_in(&app, username, password).await;
            assert_eq!(reply.json()["code"], "invalid_credentials", "{username}");
            replies.push((reply.status, reply.headers, reply.body));
        }
        assert!(replies.windows(2).all(|pair| pair[0] == pair[1]), "{replies:?}");
    }
}

#[test]
fn an_outcome_converts_to_a_user_or_an_error() {
    type Outcome = Authentication<Profile>;
    let kind = |outcome: Outcome| outcome.into_result().unwrap_err().kind();
    assert_eq!(Outcome::from(ada()).into_result().unwrap().id(), ada().id());
    assert_eq!(Outcome::from(ada().with_active(false)).user().unwrap().id(), ada().id());
    assert_eq!(kind(ada().with_active(false).into()), AuthErrorKind::InvalidCredentials);
    for (outcome, expected) in [
        (None.into(), AuthErrorKind::InvalidCredentials),
        (Outcome::Invalid, AuthErrorKind::InvalidCredentials),
        (Outcome::Unverified, AuthErrorKind::AccountUnverified),
        (Outcome::Locked, AuthErrorKind::AccountLocked),
        (Outcome::PasswordExpired, AuthErrorKind::PasswordExpired),
    ] {
        assert!(outcome.clone().user().is_none());
        assert_eq!(kind(outcome), expected);
    }
}
