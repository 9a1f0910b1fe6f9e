//! What mails contain, and how they are sent.

use std::{
    error::Error,
    future,
    sync::{Arc, Mutex},
    time::Duration,
};

use http::{Request, header::CONTENT_TYPE};
use serde_json::json;
use tokio::sync::Semaphore;
use tower_jwt_auth::{
    Issuer, SigningKey,
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

use super::setup::{Setup, call, new_user, sign_up};

on_both_databases! {
    tokens_carry_only_what_they_stand_for
    links_do_not_depend_on_the_request
    a_sign_up_without_a_place_for_its_mail_stores_nothing
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
        let body = json!({ "email": format!("{first}@example.com") });
        assert_eq!(call(&app, "/users/verify/resend", &body).await.status, 503);
        // Without a mail there is no limit.
        permits.add_permits(1);
        while call(&app, "/users/", &new_user(second)).await.status == 503 {
            tokio::task::yield_now().await;
        }
        permits.add_permits(1);
        assert!(setup.users.account_by_username(second).await.unwrap().is_some());
    }
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
    ];
    assert_eq!(names, expected);
}
