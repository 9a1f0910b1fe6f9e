//! Resets of the password.

use std::time::Duration;

use axum::Router;
use futures::future::join_all;
use serde_json::{Value, json};
use tower_jwt_auth::{
    TokenRoutes, accounts::AccountRoutes, mail::MessageKind, store::MemoryStore,
    throttle::Throttle, user::AccountBackend,
};

use crate::{
    support::{recorded::Recorded, reply::Reply},
    users::database::{Database, on_both_databases},
};

use super::{
    counted::{CountedUsers, Counts},
    password::NEW,
    session::Session,
    setup::{PASSWORD, Setup, call, errors, log_in, sign_up, store_calls},
};

const RESET_LINK: &str = "https://app.example/reset?token={token}";

on_both_databases! {
    a_reset_sets_the_password_and_ends_all_sessions
    known_and_unknown_addresses_are_not_distinguished
    one_of_many_concurrent_resets_wins
    older_tokens_are_worthless_after_a_reset_or_a_change
    tokens_are_worthless_after_another_change
    a_rejected_password_does_not_use_the_token
    a_reset_verifies_the_address
    a_reset_ends_the_wait_of_the_account
    a_throttle_limits_mails_alike
    invalid_tokens_are_rejected
}

async fn request(app: &Router, email: &str) -> Reply {
    call(app, "/password/reset", &json!({ "email": email })).await
}

async fn confirm(app: &Router, token: &str, password: &str) -> Reply {
    let body = json!({ "token": token, "password": password });
    call(app, "/password/reset/confirm", &body).await
}

/// Requests a reset of ada's password, and returns the token.
async fn reset_token(setup: &Setup, app: &Router) -> String {
    assert_eq!(request(app, "ada@example.com").await.status, 202);
    setup.outbox.token(MessageKind::ResetPassword).await
}

fn assert_invalid(reply: &Reply) {
    assert_eq!(reply.status, 400, "{reply:?}");
    assert_eq!(reply.json()["code"], "invalid_token", "{reply:?}");
}

async fn a_reset_sets_the_password_and_ends_all_sessions(database: Database) {
    let setup = Setup::new(database);
    let app = setup.app_with(setup.routes().reset_link(RESET_LINK));
    sign_up(&setup, &app, "Ada").await;
    let session = Session::begin(&app, "ada", PASSWORD).await;
    // The owner's spelling counts: `ａda@example.com` may be another mailbox.
    assert_eq!(request(&app, "ａda@EXAMPLE.com").await.status, 202);
    let mail = setup.outbox.next().await;
    let expected = (MessageKind::ResetPassword, "Ada@example.com", Some("Ada"));
    assert_eq!((mail.kind(), mail.to(), mail.username()), expected);
    let token = mail.token().unwrap();
    assert_eq!(mail.link().unwrap(), RESET_LINK.replace("{token}", token));

    let reply = confirm(&app, token, NEW).await;
    assert_eq!((reply.status.as_u16(), &*reply.body), (204, ""));
    let mail = setup.outbox.next().await;
    assert_eq!((mail.kind(), mail.to()), (MessageKind::PasswordChanged, "Ada@example.com"));
    session.assert_ended().await;
    assert_eq!(log_in(&app, "ada", PASSWORD).await.status, 401);
    Session::begin(&app, "ada", NEW).await.assert_live().await;
    assert_invalid(&confirm(&app, token, "another difference engine").await);
}

async fn known_and_unknown_addresses_are_not_distinguished(database: Database) {
    let setup = Setup::new(database);
    let counts = Counts::default();
    let users = CountedUsers::new(&setup.database, &counts);
    for safe in [false, true] {
        let builder =
            AccountRoutes::builder(setup.issuer.clone(), users.clone(), setup.outbox.clone());
        let builder = builder.at("/api").enumeration_safe(safe).reset_link(RESET_LINK);
        let app = builder.build().unwrap().into_router();
        let name = if safe { "bob" } else { "ada" };
        sign_up(&setup, &app, name).await;
        let inactive = if safe { "carl" } else { "dora" };
        sign_up(&setup, &app, inactive).await;
        let id = setup.account(inactive).await.id().clone();
        setup.users.set_active(&id, false).await.unwrap();
        request(&app, "nobody@example.com").await;
        counts.take();
        let mut seen = Vec::new();
        let long = format!("{}@example.com", "x".repeat(10_000));
        for email in [
            &*format!("{name}@example.com"),
            "nobody@example.com",
            &*format!("{inactive}@example.com"),
            "no address",
            "nobody\u{200b}@example.com",
            &*long,
        ] {
            let store = Recorded::start();
            let reply = request(&app, email).await;
            assert_eq!(reply.status, 202, "{email}");
            assert_eq!(counts.take(), ["account_by_email"], "{email}");
            assert_eq!(store_calls(&store), ["generation"], "{email}");
            seen.push(format!("{reply:?}"));
        }
        seen.dedup();
        assert_eq!(seen.len(), 1, "{seen:?}");
        assert_eq!(setup.outbox.next().await.kind(), MessageKind::ResetPassword);
    }
}

async fn one_of_many_concurrent_resets_wins(database: Database) {
    let setup = Setup::new(database);
    let other = Setup { users: setup.database.users(), ..setup.clone() };
    let apps = [setup.app(), other.app()];
    sign_up(&setup, &apps[0], "ada").await;
    let token = reset_token(&setup, &apps[0]).await;
    let passwords: Vec<_> = (0..100).map(|it| format!("difference engine no. {it}")).collect();
    let resets = passwords.iter().enumerate();
    let replies = join_all(resets.map(|(number, it)| confirm(&apps[number % 2], &token, it))).await;
    let winners: Vec<_> = (0..100).filter(|number| replies[*number].status == 204).collect();
    assert_eq!(winners.len(), 1);
    // A busy machine may exceed a deadline.
    let others = replies.iter().filter(|reply| ![204, 503].contains(&reply.status.as_u16()));
    others.for_each(assert_invalid);
    assert_eq!(log_in(&apps[0], "ada", &passwords[winners[0]]).await.status, 200);
}

async fn older_tokens_are_worthless_after_a_reset_or_a_change(database: Database) {
    let setup = Setup::new(database);
    let app = setup.app();
    sign_up(&setup, &app, "ada").await;
    let older = reset_token(&setup, &app).await;
    let newer = reset_token(&setup, &app).await;
    let last = reset_token(&setup, &app).await;
    assert_eq!(confirm(&app, &newer, NEW).await.status, 204);
    for token in [&older, &newer, &last] {
        assert_invalid(&confirm(&app, token, PASSWORD).await);
    }
    assert_eq!(setup.outbox.next().await.kind(), MessageKind::PasswordChanged);

    let token = reset_token(&setup, &app).await;
    let session = Session::begin(&app, "ada", NEW).await;
    assert_eq!(session.change_password(NEW, PASSWORD).await.status, 204);
    assert_invalid(&confirm(&app, &token, NEW).await);
}

async fn tokens_are_worthless_after_another_change(database: Database) {
    let setup = Setup::new(database);
    let app = setup.app();
    let verification = sign_up(&setup, &app, "ada").await;
    let id = setup.account("ada").await.id().clone();
    let token = reset_token(&setup, &app).await;
    // A token of another kind.
    assert_invalid(&confirm(&app, &verification, NEW).await);
    assert_eq!(call(&app, "/users/verify", &json!({ "token": token })).await.status, 400);
    let session = Session::begin(&app, "ada", PASSWORD).await;
    assert_invalid(&confirm(&app, &session.access, NEW).await);

    setup.users.set_email(&id, "countess@example.com", true).await.unwrap();
    assert_invalid(&confirm(&app, &token, NEW).await);
    setup.users.set_email(&id, "ada@example.com", true).await.unwrap();
    setup.clock.advance(Duration::from_secs(3_600));
    assert_invalid(&confirm(&app, &token, NEW).await);

    let token = reset_token(&setup, &app).await;
    setup.users.set_active(&id, false).await.unwrap();
    assert_invalid(&confirm(&app, &token, NEW).await);
    setup.users.set_active(&id, true).await.unwrap();
    assert_invalid(&confirm(&app, &token, NEW).await);
    let token = reset_token(&setup, &app).await;
    setup.users.delete(&id).await.unwrap();
    assert_invalid(&confirm(&app, &token, NEW).await);
}

async fn a_rejected_password_does_not_use_the_token(database: Database) {
    let setup = Setup::new(database);
    let app = setup.app();
    sign_up(&setup, &app, "lovelace").await;
    assert_eq!(request(&app, "lovelace@example.com").await.status, 202);
    let token = setup.outbox.token(MessageKind::ResetPassword).await;
    let mut session = Session::begin(&app, "lovelace", PASSWORD).await;
    for password in ["short", "lovelace lovelace", &"é".repeat(129), &"x".repeat(10_000)] {
        let found = errors(&confirm(&app, &token, password).await);
        assert_eq!(found.as_object().unwrap().keys().collect::<Vec<_>>(), ["password"]);
    }
    let required = json!(["This field is required."]);
    let found = errors(&call(&app, "/password/reset/confirm", &json!({})).await);
    assert_eq!(found, json!({ "token": required, "password": required }));
    session.assert_live().await;
    assert_eq!(confirm(&app, &token, NEW).await.status, 204);
}

async fn a_reset_verifies_the_address(database: Database) {
    let setup = Setup::new(database);
    let app = setup.app();
    let verification = sign_up(&setup, &app, "ada").await;
    let token = reset_token(&setup, &app).await;
    assert_eq!(confirm(&app, &token, "short").await.status, 400);
    assert!(!setup.account("ada").await.is_verified());
    assert_eq!(confirm(&app, &token, NEW).await.status, 204);
    assert!(setup.account("ada").await.is_verified());
    // It was issued before all sessions ended.
    assert_invalid(&call(&app, "/users/verify", &json!({ "token": verification })).await);
}

async fn a_reset_ends_the_wait_of_the_account(database: Database) {
    let setup = Setup::new(database);
    let throttle = Throttle::builder(MemoryStore::new()).clock(&setup.clock).without_addresses();
    let throttle = throttle.build().unwrap();
    let tokens = TokenRoutes::builder(setup.issuer.clone(), setup.users.clone());
    let tokens = tokens.at("/api/token").throttle(throttle.clone()).build().unwrap();
    let accounts = setup.routes().password_throttle(throttle).build().unwrap();
    let app = tokens.into_router().merge(accounts.into_router());
    sign_up(&setup, &app, "ada").await;
    let own = Session::begin(&app, "ada", PASSWORD).await;
    for name in ["ada", "ada@example.com"] {
        for _ in 0..10 {
            assert_eq!(log_in(&app, name, "wrong").await.status, 401);
        }
        assert_eq!(log_in(&app, name, PASSWORD).await.status, 429);
    }
    for _ in 0..10 {
        assert_eq!(own.change_password("wrong", NEW).await.status, 400);
    }
    let token = reset_token(&setup, &app).await;
    assert_eq!(confirm(&app, &token, NEW).await.status, 204);
    for name in ["ada", "ada@example.com"] {
        assert_eq!(log_in(&app, name, NEW).await.status, 200);
    }
    let own = Session::begin(&app, "ada", NEW).await;
    assert_eq!(own.change_password(NEW, PASSWORD).await.status, 204);
}

async fn a_throttle_limits_mails_alike(database: Database) {
    let setup = Setup::new(database);
    let throttle = Throttle::builder(MemoryStore::new()).clock(&setup.clock).without_addresses();
    let app = setup.app_with(setup.routes().mail_throttle(throttle.build().unwrap()));
    sign_up(&setup, &app, "ada").await;
    for email in ["ada@example.com", "nobody@example.com"] {
        let mut replies = Vec::new();
        for _ in 0..10 {
            replies.push(request(&app, email).await.status.as_u16());
        }
        assert_eq!(replies, [202; 10]);
        let reply = request(&app, &email.to_uppercase()).await;
        assert_eq!((reply.status.as_u16(), reply.header("retry-after")), (429, vec!["30"]));
    }
}

async fn invalid_tokens_are_rejected(database: Database) {
    let setup = Setup::new(database);
    let app = setup.app();
    sign_up(&setup, &app, "ada").await;
    let token = reset_token(&setup, &app).await;
    let forged = token.replacen('.', ".e", 1);
    for token in [&*forged, "x", "a.b.c", &"x".repeat(10_000)] {
        assert_invalid(&confirm(&app, token, NEW).await);
    }
    for email in [json!(null), json!([]), json!("  ")] {
        let reply = call(&app, "/password/reset", &json!({ "email": email })).await;
        assert!(matches!(errors(&reply), Value::Object(_)));
    }
}
