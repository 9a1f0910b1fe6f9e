//! What mails contain, and how they are sent.

use std::{
    error::Error,
    future,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use axum::Router;
use http::{Request, header::CONTENT_TYPE};
use serde_json::json;
use tokio::sync::Semaphore;
use tower_jwt_auth::{
    Issuer, SigningKey, TokenRoutes,
    accounts::AccountRoutes,
    issue::Event,
    mail::{MailError, Mailer, Message, MessageKind},
    store::MemoryStore,
    user::AccountBackend,
};

use crate::{
    support::{
        log::Log,
        login::{SECRET, payload},
        reply::send,
    },
    users::database::{Database, on_both_databases},
};

use super::{
    password::NEW,
    session::Session,
    setup::{Outbox, PASSWORD, Setup, call, new_user, sign_up},
};

on_both_databases! {
    tokens_carry_only_what_they_stand_for
    links_do_not_depend_on_the_request
    a_sign_up_without_a_place_for_its_mail_stores_nothing
    a_hanging_mailer_blocks_no_change_of_the_password
    a_busy_mailer_reveals_no_account
    a_panic_of_the_mailer_loses_one_message
}

async fn tokens_carry_only_what_they_stand_for(database: Database) {
    let setup = Setup::new(database);
    let app = setup.app();
    let token = sign_up(&setup, &app, "ada").await;
    let claims = payload(&token);
    let members: Vec<_> = claims.as_object().unwrap().keys().collect();
    let expected = ["email", "exp", "iat", "jti", "store_generation", "token_type", "user_id"];
    assert_eq!(members, expected);
    assert_eq!(claims["email"], "ada@example.com");
}

async fn links_do_not_depend_on_the_request(database: Database) {
    let setup = Setup::new(database);
    let app = setup.app();
    let request = Request::post("/api/users/")
        .header(CONTENT_TYPE, "application/json")
        .header("host", "evil.example")
        .header("x-forwarded-host", "evil.example")
        .header("forwarded", "host=evil.example;proto=http")
        .header("origin", "https://evil.example")
        .header("referer", "https://evil.example/");
    let reply = send(&app, request.body(new_user("ada").to_string().into()).unwrap()).await;
    assert_eq!(reply.status, 201, "{reply:?}");
    let mail = setup.outbox.next().await;
    let link = mail.link().unwrap();
    assert!(link.starts_with("https://app.example/verify#eyJ"), "{link}");
}

/// A mailer that waits for a permit before each message.
#[derive(Clone)]
struct Slow(Arc<Semaphore>);

impl Mailer for Slow {
    async fn send(&self, _: Message) -> Result<(), MailError> {
        self.0.acquire().await.unwrap().forget();
        Ok(())
    }
}

async fn a_sign_up_without_a_place_for_its_mail_stores_nothing(database: Database) {
    let setup = Setup::new(database);
    let permits = Arc::new(Semaphore::new(0));
    let routes = |safe| {
        let mailer = Slow(Arc::clone(&permits));
        AccountRoutes::builder(setup.issuer.clone(), setup.users.clone(), mailer)
            .at("/api")
            .max_pending_mails(1)
            .enumeration_safe(safe)
            .build()
            .unwrap()
            .into_router::<()>()
    };
    for (safe, first, second) in [(false, "ada", "bob"), (true, "eve", "dan")] {
        let app = routes(safe);
        assert!(call(&app, "/users/", &new_user(first)).await.status.is_success());
        let reply = call(&app, "/users/", &new_user(second)).await;
        assert_eq!((reply.status.as_u16(), &reply.json()["code"]), (503, &json!("overloaded")));
        assert_eq!(reply.header("retry-after"), ["1"]);
        assert!(setup.users.account_by_username(second).await.unwrap().is_none());
        // Without a mail there is no limit.
        permits.add_permits(1);
        while call(&app, "/users/", &new_user(second)).await.status == 503 {
            tokio::task::yield_now().await;
        }
        permits.add_permits(1);
        assert!(setup.users.account_by_username(second).await.unwrap().is_some());
    }
}

/// An application whose only place for a mail is occupied, and how many mails were lost.
async fn busy(setup: &Setup) -> (Router, Arc<AtomicUsize>) {
    let lost = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&lost);
    let issuer: Issuer = Issuer::builder(SigningKey::hs256(SECRET).unwrap())
        .rotate_refresh_tokens(true)
        .store(MemoryStore::new())
        .on_event(move |event| {
            if let Event::MailFailed { .. } = event {
                counted.fetch_add(1, Ordering::Relaxed);
            }
        })
        .build()
        .unwrap();
    let tokens = TokenRoutes::builder(issuer.clone(), setup.users.clone()).at("/api/token");
    let mailer = Slow(Arc::new(Semaphore::new(0)));
    let routes = AccountRoutes::builder(issuer, setup.users.clone(), mailer).at("/api");
    let routes = routes.max_pending_mails(1).build().unwrap();
    let app = tokens.build().unwrap().into_router().merge(routes.into_router());
    assert_eq!(call(&app, "/users/", &new_user("ada")).await.status, 201);
    (app, lost)
}

async fn a_hanging_mailer_blocks_no_change_of_the_password(database: Database) {
    let setup = Setup::new(database);
    let (app, lost) = busy(&setup).await;
    let mut session = Session::begin(&app, "ada", PASSWORD).await;
    assert_eq!(session.change_password(PASSWORD, NEW).await.status, 204);
    session.assert_live().await;
    assert_eq!(lost.load(Ordering::Relaxed), 1);
}

/// Otherwise somebody could keep all places busy with mails to one address, if it has an account.
async fn a_busy_mailer_reveals_no_account(database: Database) {
    let setup = Setup::new(database);
    let (app, lost) = busy(&setup).await;
    for path in ["/password/reset", "/users/verify/resend"] {
        let [known, unknown] = ["ada", "eve"].map(|name| {
            let body = json!({ "email": format!("{name}@example.com") });
            let app = &app;
            async move { call(app, path, &body).await }
        });
        let (known, unknown) = (known.await, unknown.await);
        assert_eq!((known.status, &known.body), (unknown.status, &unknown.body));
        assert_eq!(known.status, 202);
    }
    assert_eq!(lost.load(Ordering::Relaxed), 2);
}

/// Panics at one kind of message.
struct Panicking(Outbox);

impl Mailer for Panicking {
    async fn send(&self, message: Message) -> Result<(), MailError> {
        assert_ne!(message.kind(), MessageKind::VerifyEmail, "a fault of the mailer");
        self.0.send(message).await
    }
}

async fn a_panic_of_the_mailer_loses_one_message(database: Database) {
    let setup = Setup::new(database);
    let mailer = Panicking(setup.outbox.clone());
    let routes = AccountRoutes::builder(setup.issuer.clone(), setup.users.clone(), mailer);
    let panicking = routes.at("/api").build().unwrap().into_router::<()>();
    let app = setup.app();
    sign_up(&setup, &app, "ada").await;
    let session = Session::begin(&app, "ada", PASSWORD).await.at(&panicking);
    let reply = session.patch_me(&json!({ "email": "countess@example.com" })).await;
    assert_eq!(reply.status, 200, "{reply:?}");
    assert_eq!(setup.outbox.next().await.kind(), MessageKind::EmailChangeRequested);
}

/// Fails with an error that contains the address, or does not respond.
struct Broken {
    responds: bool,
}

impl Mailer for Broken {
    async fn send(&self, message: Message) -> Result<(), MailError> {
        if !self.responds {
            future::pending::<()>().await;
        }
        Err(MailError::new(format!("550 no mailbox {}", message.to())))
    }
}

#[tokio::test]
async fn failures_are_events_and_log_lines_without_the_address() {
    let (log, _guard) = Log::collect();
    for responds in [true, false] {
        let (sender, receiver) = tokio::sync::oneshot::channel();
        let sender = Mutex::new(Some(sender));
        let issuer: Issuer = Issuer::builder(SigningKey::hs256(SECRET).unwrap())
            .store(MemoryStore::new())
            .on_event(move |event| {
                if let Event::MailFailed { kind, error } = event {
                    let source = error.source().unwrap().to_string();
                    let shown = format!("{event:?} {error:?} {error}");
                    let sender = sender.lock().unwrap().take().unwrap();
                    sender.send((*kind, source, shown)).unwrap();
                }
            })
            .build()
            .unwrap();
        let database = Database::file();
        let mailer = Broken { responds };
        let app = AccountRoutes::builder(issuer, database.users(), mailer)
            .at("/api")
            .mail_timeout(Duration::from_millis(1))
            .build()
            .unwrap()
            .into_router::<()>();
        let reply = call(&app, "/users/", &new_user("ada")).await;
        assert_eq!(reply.status, 201, "{reply:?}");
        let (kind, source, shown) = receiver.await.unwrap();
        assert_eq!(kind, MessageKind::VerifyEmail);
        assert_eq!(source.contains("ada@example.com"), responds);
        assert_eq!(shown, "MailFailed MailError { .. } a mail could not be sent");
    }
    let lines = log.take().join("\n");
    assert!(lines.contains("a mail could not be sent"), "{lines}");
    assert!(lines.contains("verify_email"), "{lines}");
    assert!(!lines.contains("example.com") && !lines.contains("eyJ"), "{lines}");
}

#[test]
fn debug_output_of_a_message_shows_only_its_kind() {
    let message = Message::new(MessageKind::ResetPassword, "ada@example.com")
        .with_username("ada")
        .with_token("eyJ0b2tlbg")
        .with_link("https://app.example/#eyJ0b2tlbg".to_owned());
    assert_eq!(format!("{message:?}"), "Message { kind: ResetPassword, .. }");
}

#[test]
fn kinds_have_names_of_their_own() {
    let kinds = [
        MessageKind::VerifyEmail,
        MessageKind::ResetPassword,
        MessageKind::AccountExists,
        MessageKind::UsernameTaken,
        MessageKind::EmailChangeRequested,
        MessageKind::EmailChanged,
        MessageKind::PasswordChanged,
        MessageKind::SecondFactorEnabled,
        MessageKind::SecondFactorDisabled,
    ];
    let names = kinds.map(MessageKind::as_str);
    let expected = [
        "verify_email",
        "reset_password",
        "account_exists",
        "username_taken",
        "email_change_requested",
        "email_changed",
        "password_changed",
        "second_factor_enabled",
        "second_factor_disabled",
    ];
    assert_eq!(names, expected);
}
