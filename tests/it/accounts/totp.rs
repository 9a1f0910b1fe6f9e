//! Codes of authenticator apps.

use std::sync::{Arc, Mutex};

use axum::{Router, body::Body};
use http::{Method, Request};
use serde_json::{Value, json};
use tower_jwt_auth::{
    Issuer, MemoryStore, SigningKey, TokenRoutes,
    accounts::{AccountRoute, AccountRoutesBuilder},
    issue::Event,
    mail::MessageKind,
    store::SqliteStore,
    throttle::Throttle,
    totp::{SqlTotpStore, Totp},
    user::{SecondFactor, SqlUsers},
};

use crate::{
    support::{
        login::{SECRET, payload},
        reply::{Reply, send},
    },
    totp::{code, key, wrong_code},
    users::database::{Database, on_both_databases},
};

use super::{
    password::WRONG,
    session::Session,
    setup::{PASSWORD, Setup, call, errors, log_in, sign_up},
};

on_both_databases! {
    a_user_enables_and_disables_the_second_factor
    a_wrong_code_leaves_the_enrolment_open
    enrolling_twice_is_a_conflict
    confirming_requires_an_enrolment
    disabling_requires_the_password
    one_of_many_concurrent_confirmations_wins
    a_deleted_account_loses_its_secret
}

/// A user with a session, of an application with codes of authenticator apps.
struct App {
    setup: Setup,
    router: Router,
    totp: Totp,
    session: Session,
}

impl App {
    async fn new(database: Database) -> Self {
        Self::of(Setup::new(database), |routes| routes).await
    }

    async fn of(
        setup: Setup,
        with: impl FnOnce(AccountRoutesBuilder<SqlUsers>) -> AccountRoutesBuilder<SqlUsers>,
    ) -> Self {
        let store = SqlTotpStore::builder(setup.database.connect()).build().unwrap();
        let totp = Totp::builder(store, key(1)).issuer("Example").clock(&setup.clock);
        let totp = totp.build().unwrap();
        let tokens = TokenRoutes::builder(setup.issuer.clone(), setup.users.clone());
        let tokens = tokens.at("/api/token").second_factor(totp.clone()).build().unwrap();
        let routes = with(setup.routes().totp(totp.clone())).build().unwrap();
        let router: Router = tokens.into_router().merge(routes.into_router());
        sign_up(&setup, &router, "ada").await;
        let session = Session::begin(&router, "ada", PASSWORD).await;
        Self { setup, router, totp, session }
    }

    async fn enrol(&self) -> Reply {
        self.session.send(Method::POST, "/totp", None).await
    }

    async fn confirm(&self, code: &str) -> Reply {
        self.session.send(Method::POST, "/totp/confirm", Some(&json!({ "code": code }))).await
    }

    async fn disable(&self, password: &str) -> Reply {
        let body = json!({ "password": password });
        self.session.send(Method::DELETE, "/totp", Some(&body)).await
    }

    /// Enables the second factor, and returns the secret and the recovery codes.
    async fn enable(&self) -> (String, Vec<String>) {
        let secret = secret_of(&self.enrol().await);
        let reply = self.confirm(&code(&secret, &self.setup.clock, -1)).await;
        assert_eq!(reply.status, 200, "{reply:?}");
        let codes = reply.json()["recovery_codes"].as_array().unwrap().clone();
        (secret, codes.iter().map(|code| code.as_str().unwrap().to_owned()).collect())
    }

    async fn is_enabled(&self) -> bool {
        let account = self.setup.account("ada").await;
        self.totp.is_enabled(account.id()).await.unwrap()
    }

    async fn assert_mailed(&self, kind: MessageKind) {
        let mail = self.setup.outbox.next().await;
        assert_eq!((mail.kind(), mail.to(), mail.token()), (kind, "ada@example.com", None));
    }

    async fn log_in_with(&self, code: &str) -> Reply {
        let reply = log_in(&self.router, "ada", PASSWORD).await;
        assert_eq!(outcome(&reply), (401, json!("second_factor_required")));
        let body = json!({ "step": reply.json()["step"], "code": code });
        call(&self.router, "/token/second-factor", &body).await
    }
}

fn secret_of(reply: &Reply) -> String {
    assert_eq!(reply.status, 200, "{reply:?}");
    reply.json()["secret"].as_str().unwrap().to_owned()
}

fn outcome(reply: &Reply) -> (u16, Value) {
    (reply.status.as_u16(), reply.json()["code"].clone())
}

async fn a_user_enables_and_disables_the_second_factor(database: Database) {
    let mut app = App::new(database).await;
    let reply = app.enrol().await;
    assert_eq!(reply.header("cache-control"), ["no-store"]);
    let body = reply.json();
    let members: Vec<_> = body.as_object().unwrap().keys().cloned().collect();
    assert_eq!(members, ["qr", "secret", "uri"]);
    assert!(body["qr"].as_str().unwrap().starts_with("<svg "));
    let label = "otpauth://totp/Example:ada%40example.com?secret=";
    assert!(body["uri"].as_str().unwrap().starts_with(label), "{body}");
    // Not before it is confirmed.
    assert_eq!(log_in(&app.router, "ada", PASSWORD).await.status, 200);

    let (secret, codes) = app.enable().await;
    assert_eq!(codes.len(), 10);
    assert!(app.is_enabled().await);
    app.assert_mailed(MessageKind::SecondFactorEnabled).await;
    let current = code(&secret, &app.setup.clock, 0);
    let confirmed = code(&secret, &app.setup.clock, -1);
    assert_eq!(outcome(&app.log_in_with(&confirmed).await), (401, json!("invalid_code")));
    for code in [&current, &codes[3]] {
        let reply = app.log_in_with(code).await;
        assert_eq!(reply.status, 200, "{reply:?}");
        let access = reply.json()["access"].as_str().unwrap().to_owned();
        assert_eq!(payload(&access)["amr"], json!(["pwd", "otp"]));
        assert_eq!(outcome(&app.log_in_with(code).await), (401, json!("invalid_code")));
    }
    app.session.assert_live().await;

    assert_eq!(app.disable(PASSWORD).await.status, 204);
    assert!(!app.is_enabled().await);
    app.assert_mailed(MessageKind::SecondFactorDisabled).await;
    assert_eq!(app.disable(PASSWORD).await.status, 204);
    assert_eq!(log_in(&app.router, "ada", PASSWORD).await.status, 200);
}

async fn a_wrong_code_leaves_the_enrolment_open(database: Database) {
    let app = App::new(database).await;
    let secret = secret_of(&app.enrol().await);
    let wrong = json!({ "code": ["The code is wrong or was used before."] });
    for code in &[wrong_code(&secret, &app.setup.clock), "x".repeat(200)] {
        assert_eq!(errors(&app.confirm(code).await), wrong, "{code:?}");
    }
    let reply = app.session.send(Method::POST, "/totp/confirm", Some(&json!({}))).await;
    assert_eq!(errors(&reply), json!({ "code": ["This field is required."] }));
    assert!(!app.is_enabled().await);
    assert_eq!(app.confirm(&code(&secret, &app.setup.clock, 0)).await.status, 200);
}

async fn enrolling_twice_is_a_conflict(database: Database) {
    let app = App::new(database).await;
    let first = secret_of(&app.enrol().await);
    // One that is not confirmed is replaced.
    let second = secret_of(&app.enrol().await);
    assert_ne!(first, second);
    assert_eq!(app.confirm(&code(&first, &app.setup.clock, 0)).await.status, 400);
    assert_eq!(app.confirm(&code(&second, &app.setup.clock, 0)).await.status, 200);
    for reply in [app.enrol().await, app.confirm(&code(&second, &app.setup.clock, 1)).await] {
        assert_eq!(outcome(&reply), (409, json!("totp_enabled")));
        assert!(reply.header("www-authenticate").is_empty());
        assert!(!reply.body.contains(&second));
    }
    assert_eq!(app.log_in_with(&code(&second, &app.setup.clock, 1)).await.status, 200);
}

async fn confirming_requires_an_enrolment(database: Database) {
    let app = App::new(database).await;
    assert_eq!(outcome(&app.confirm("123456").await), (409, json!("totp_not_enrolled")));
}

async fn disabling_requires_the_password(database: Database) {
    let app = App::new(database).await;
    app.enable().await;
    assert_eq!(errors(&app.disable("wrong").await), json!({ "password": [WRONG] }));
    let reply = app.session.send(Method::DELETE, "/totp", Some(&json!({}))).await;
    assert_eq!(errors(&reply), json!({ "password": ["This field is required."] }));
    assert!(app.is_enabled().await);
}

async fn one_of_many_concurrent_confirmations_wins(database: Database) {
    let app = App::new(database).await;
    let secret = secret_of(&app.enrol().await);
    let code = code(&secret, &app.setup.clock, 0);
    let replies = futures::future::join_all((0..50).map(|_| app.confirm(&code))).await;
    let (won, lost): (Vec<_>, Vec<_>) = replies.iter().partition(|reply| reply.status == 200);
    assert_eq!(won.len(), 1);
    assert!(lost.iter().all(|reply| outcome(reply) == (409, json!("totp_enabled"))));
}

async fn a_deleted_account_loses_its_secret(database: Database) {
    let app = App::new(database).await;
    app.enable().await;
    assert_eq!(app.session.delete_me(PASSWORD).await.status, 204);
    let left = app.setup.database.strings("SELECT user_id FROM jwt_totp").await;
    assert_eq!(left, [None::<String>; 0]);
}

#[tokio::test]
async fn wrong_passwords_count() {
    let setup = Setup::new(Database::file());
    let throttle = Throttle::builder(MemoryStore::new()).without_addresses().clock(&setup.clock);
    let throttle = throttle.build().unwrap();
    let app = App::of(setup, |routes| routes.password_throttle(throttle)).await;
    app.enable().await;
    for _ in 0..10 {
        assert_eq!(app.disable("wrong").await.status, 400);
    }
    assert_eq!(outcome(&app.disable(PASSWORD).await), (429, json!("throttled")));
    assert!(app.is_enabled().await);
}

#[tokio::test]
async fn changes_emit_events() {
    let (mut setup, events) = (Setup::new(Database::file()), Arc::new(Mutex::new(Vec::new())));
    let listener = Arc::clone(&events);
    let issuer = Issuer::builder(SigningKey::hs256(SECRET).unwrap()).clock(&setup.clock);
    let issuer = issuer.store(SqliteStore::connect_lazy(&setup.database.url()).unwrap());
    let listen = move |event: &Event<'_>| match event {
        Event::SecondFactorEnabled { user_id } | Event::SecondFactorDisabled { user_id } => {
            listener.lock().unwrap().push(format!("{event:?} {user_id}"));
        }
        _ => {}
    };
    setup.issuer = issuer.on_event(listen).build().unwrap();
    let app = App::of(setup, |routes| routes).await;
    let id = app.setup.account("ada").await.id().to_string();
    let take = || std::mem::take(&mut *events.lock().unwrap());
    let secret = secret_of(&app.enrol().await);
    app.confirm(&wrong_code(&secret, &app.setup.clock)).await;
    assert_eq!(take(), [""; 0]);
    app.confirm(&code(&secret, &app.setup.clock, 0)).await;
    assert_eq!(take(), [format!("SecondFactorEnabled {id}")]);
    app.disable("wrong").await;
    assert_eq!(take(), [""; 0]);
    for expected in [vec![format!("SecondFactorDisabled {id}")], vec![]] {
        app.disable(PASSWORD).await;
        assert_eq!(take(), expected);
    }
}

#[tokio::test]
async fn the_routes_require_an_access_token() {
    let app = App::new(Database::file()).await;
    for (method, path) in [("POST", "/totp"), ("POST", "/totp/confirm"), ("DELETE", "/totp")] {
        let request = Request::builder().method(method).uri(format!("/api{path}"));
        let reply = send(&app.router, request.body(Body::empty()).unwrap()).await;
        assert_eq!((reply.status.as_u16(), reply.header("www-authenticate").len()), (401, 1));
    }
    let reply = app.session.send(Method::GET, "/totp", None).await;
    assert_eq!(reply.status, 405);
}

#[tokio::test]
async fn the_routes_exist_only_with_totp() {
    let setup = Setup::new(Database::file());
    let app = setup.app();
    sign_up(&setup, &app, "ada").await;
    let session = Session::begin(&app, "ada", PASSWORD).await;
    assert_eq!(session.send(Method::POST, "/totp", None).await.status, 404);
    let moved = setup.routes().path(AccountRoute::EnrolTotp, "/second-factor").build();
    assert!(moved.is_err(), "it has no effect");

    let store = tower_jwt_auth::totp::MemoryTotpStore::new();
    let totp = Totp::builder(store, key(1)).build().unwrap();
    let routes = setup
        .routes()
        .path(AccountRoute::EnrolTotp, "/second-factor")
        .without(AccountRoute::DisableTotp)
        .totp(totp);
    let session = session.at(&setup.app_with(routes));
    assert_eq!(session.send(Method::POST, "/second-factor", None).await.status, 200);
    assert_eq!(session.send(Method::DELETE, "/totp", None).await.status, 404);
}
