//! Confirming addresses.

use std::time::Duration;

use axum::Router;
use futures::future::join_all;
use serde_json::{Value, json};
use tower_jwt_auth::{
    mail::MessageKind,
    store::MemoryStore,
    throttle::Throttle,
    token::{TokenType, UserId},
    user::AccountBackend,
};

use crate::{
    support::{
        login::{DAY, HOUR, payload},
        reply::Reply,
    },
    users::database::{Database, on_both_databases},
};

use super::setup::{Setup, call, errors, log_in, new_user, sign_up};

on_both_databases! {
    one_of_many_concurrent_requests_verifies
    rejects_tokens_that_are_not_for_this_address_now
    rejects_expired_tokens
    a_token_replaces_an_address_once
    a_replacement_that_is_not_possible_spends_nothing
    a_new_password_ends_pending_replacements
    another_mail_is_sent_to_unverified_addresses_only
    a_throttle_limits_mails
}

pub(super) async fn verify(app: &Router, token: &str) -> Reply {
    call(app, "/users/verify", &json!({ "token": token })).await
}

fn assert_invalid(reply: &Reply) {
    assert_eq!(reply.status, 400, "{reply:?}");
    let detail = "This token is invalid or expired, or was used before.";
    assert_eq!(reply.json(), json!({ "detail": detail, "code": "invalid_token" }));
    assert!(reply.header("www-authenticate").is_empty());
}

async fn one_of_many_concurrent_requests_verifies(database: Database) {
    let setup = Setup::new(database);
    let apps = [setup.app(), setup.reconnected().app()];
    let token = sign_up(&setup, &apps[0], "ada").await;
    let replies = join_all((0..100).map(|number| verify(&apps[number % 2], &token))).await;
    let winners = replies.iter().filter(|reply| reply.status == 204).count();
    assert_eq!(winners, 1);
    replies.iter().filter(|reply| reply.status != 204).for_each(assert_invalid);
    assert!(setup.account("ada").await.is_verified());
}

async fn rejects_tokens_that_are_not_for_this_address_now(database: Database) {
    let setup = Setup::new(database);
    let app = setup.app_with(setup.routes().tokens_at_sign_up(true));
    let mut body = new_user("ada");
    body["tokens"] = json!(true);
    let signed_up = call(&app, "/users/", &body).await.json();
    let token = setup.outbox.token(MessageKind::VerifyEmail).await;
    let ada = setup.account("ada").await;
    let issue = async |token_type: &str, claims: Value| {
        let token_type = TokenType::from(token_type);
        setup.issuer.issue_single_use(&token_type, HOUR, ada.id(), &claims).await.unwrap()
    };
    let other_type = issue("reset_password", json!({"email": "ada@example.com"})).await;
    let without_address = issue("verify_email", json!({})).await;
    let unknown = setup
        .issuer
        .issue_single_use(
            &TokenType::from("verify_email"),
            HOUR,
            &UserId::from("0190a000-0000-7000-8000-000000000000"),
            &json!({"email": "ada@example.com"}),
        )
        .await
        .unwrap();
    let access = signed_up["access"].as_str().unwrap();
    for token in ["x", "a.b.c", access, &other_type, &without_address, &unknown, &token[1..]] {
        assert_invalid(&verify(&app, token).await);
    }
    // No other route accepts the token.
    for (path, name) in [("/token/verify", "token"), ("/token/refresh", "refresh")] {
        assert_eq!(call(&app, path, &json!({ name: token })).await.status, 401);
    }
    setup.users.set_email(ada.id(), "new@example.com", false).await.unwrap();
    assert_invalid(&verify(&app, &token).await);
    assert!(!setup.account("ada").await.is_verified());
    // That has not spent it.
    setup.users.set_email(ada.id(), "ADA@example.com", false).await.unwrap();
    assert_eq!(verify(&app, &token).await.status, 204);
    assert!(setup.account("ada").await.is_verified());

    let token = sign_up(&setup, &app, "bob").await;
    setup.issuer.revoke_user(setup.account("bob").await.id()).await.unwrap();
    assert_invalid(&verify(&app, &token).await);
    let token = sign_up(&setup, &app, "eve").await;
    setup.users.delete(setup.account("eve").await.id()).await.unwrap();
    assert_invalid(&verify(&app, &token).await);
}

async fn rejects_expired_tokens(database: Database) {
    let setup = Setup::new(database);
    let app = setup.app();
    let [first, second] = [sign_up(&setup, &app, "a1").await, sign_up(&setup, &app, "a2").await];
    setup.clock.advance(3 * DAY - Duration::from_secs(1));
    assert_eq!(verify(&app, &first).await.status, 204);
    setup.clock.advance(Duration::from_secs(1));
    assert_invalid(&verify(&app, &second).await);

    let app = setup.app_with(setup.routes().verify_lifetime(HOUR));
    let token = sign_up(&setup, &app, "a3").await;
    setup.clock.advance(HOUR);
    assert_invalid(&verify(&app, &token).await);
}

/// A token that gives the account `username` the address `email`.
async fn replacement(setup: &Setup, username: &str, email: &str) -> String {
    let account = setup.account(username).await;
    let claims =
        json!({ "email": email, "replaces_in": account.generation(), "replaces": account.email() });
    let verify_email = TokenType::from("verify_email");
    setup.issuer.issue_single_use(&verify_email, HOUR, account.id(), &claims).await.unwrap()
}

async fn a_token_replaces_an_address_once(database: Database) {
    let setup = Setup::new(database);
    let apps = [setup.app(), setup.reconnected().app()];
    sign_up(&setup, &apps[0], "ada").await;
    let token = replacement(&setup, "ada", "Countess@example.com").await;
    let replies = join_all((0..20).map(|number| verify(&apps[number % 2], &token))).await;
    assert_eq!(replies.iter().filter(|reply| reply.status == 204).count(), 1);
    replies.iter().filter(|reply| reply.status != 204).for_each(assert_invalid);
    let ada = setup.account("ada").await;
    assert_eq!((ada.email(), ada.is_verified()), (Some("Countess@example.com"), true));
    let mail = setup.outbox.next().await;
    assert_eq!((mail.kind(), mail.to()), (MessageKind::EmailChanged, "ada@example.com"));
    assert_eq!((mail.username(), mail.token(), mail.link()), (Some("ada"), None, None));
    // Only the winner sends one.
    sign_up(&setup, &apps[0], "last").await;
}

async fn a_replacement_that_is_not_possible_spends_nothing(database: Database) {
    let setup = Setup::new(database);
    let app = setup.app();
    sign_up(&setup, &app, "ada").await;
    sign_up(&setup, &app, "bob").await;
    let token = replacement(&setup, "ada", "BOB@example.com").await;
    let taken = json!({ "email": ["A user with that email address already exists."] });
    assert_eq!(errors(&verify(&app, &token).await), taken);
    assert_eq!(setup.account("ada").await.email(), Some("ada@example.com"));
    setup.users.delete(setup.account("bob").await.id()).await.unwrap();
    assert_eq!(verify(&app, &token).await.status, 204);
    assert_eq!(setup.account("ada").await.email(), Some("BOB@example.com"));
}

async fn a_new_password_ends_pending_replacements(database: Database) {
    let setup = Setup::new(database);
    let app = setup.app();
    sign_up(&setup, &app, "ada").await;
    let token = replacement(&setup, "ada", "eve@example.com").await;
    let ada = setup.account("ada").await;
    setup.users.set_password(&ada, "another brass engine", None).await.unwrap().unwrap();
    assert_invalid(&verify(&app, &token).await);
    assert_eq!(setup.account("ada").await.email(), Some("ada@example.com"));
}

async fn another_mail_is_sent_to_unverified_addresses_only(database: Database) {
    let setup = Setup::new(database);
    let app = setup.app();
    sign_up(&setup, &app, "Ada").await;
    let verified = sign_up(&setup, &app, "bob").await;
    assert_eq!(verify(&app, &verified).await.status, 204);
    sign_up(&setup, &app, "eve").await;
    setup.users.set_active(setup.account("eve").await.id(), false).await.unwrap();

    let mut seen = Vec::new();
    let long = format!("{}@example.com", "é".repeat(7_000));
    for email in
        ["bob@example.com", "eve@example.com", "nobody@example.com", &long, "ａda@example.com"]
    {
        let reply = call(&app, "/users/verify/resend", &json!({ "email": email })).await;
        assert_eq!(reply.status, 202, "{reply:?}");
        seen.push(format!("{reply:?}"));
    }
    assert!(seen.iter().all(|reply| *reply == seen[0]), "{seen:?}");
    // Only the last one was sent, to the address that the account has.
    let mail = setup.outbox.next().await;
    assert_eq!((mail.kind(), mail.to()), (MessageKind::VerifyEmail, "Ada@example.com"));
    let claims = payload(mail.token().unwrap());
    assert_eq!(claims["email"], "Ada@example.com");
    assert_eq!(verify(&app, mail.token().unwrap()).await.status, 204);
    let missing = errors(&call(&app, "/users/verify/resend", &json!({})).await);
    assert_eq!(missing, json!({ "email": ["This field is required."] }));
    assert_eq!(log_in(&app, "eve", super::setup::PASSWORD).await.status, 401);
}

async fn a_throttle_limits_mails(database: Database) {
    let setup = Setup::new(database);
    let throttle = Throttle::builder(MemoryStore::new()).without_addresses().clock(&setup.clock);
    let throttle = throttle.namespace("mail").build().unwrap();
    let app = setup.app_with(setup.routes().mail_throttle(throttle));
    sign_up(&setup, &app, "ada").await;
    for email in ["Ada@example.com", "nobody@example.com"] {
        let body = json!({ "email": email });
        for _ in 0..10 {
            assert_eq!(call(&app, "/users/verify/resend", &body).await.status, 202);
        }
        let body = json!({ "email": email.to_lowercase() });
        let reply = call(&app, "/users/verify/resend", &body).await;
        assert_eq!((reply.status.as_u16(), &reply.json()["code"]), (429, &json!("throttled")));
    }
}
