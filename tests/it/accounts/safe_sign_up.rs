//! Sign-up that reveals nothing about the accounts that exist.

use futures::future::join_all;
use serde_json::{Value, json};
use tower_jwt_auth::{accounts::AccountRoutes, mail::MessageKind, user::AccountBackend};

use crate::{
    support::{recorded::Recorded, reply::Reply},
    users::database::{Database, on_both_databases},
};

use super::{
    counted::{CountedUsers, Counts},
    setup::{PASSWORD, Setup, call, errors, new_user, store_calls},
};

on_both_databases! {
    every_sign_up_gets_the_same_response
    the_mail_depends_on_what_is_taken
    known_and_unknown_names_cost_the_same
    problems_that_reveal_nothing_are_rejected
    one_of_many_concurrent_sign_ups_creates_the_account
}

fn body(username: &str, email: &str) -> Value {
    json!({ "username": username, "email": email, "password": PASSWORD })
}

/// Everything that a client sees, except for the time.
fn shown(reply: &Reply) -> String {
    assert_eq!(reply.status, 202, "{reply:?}");
    format!("{reply:?}")
}

async fn every_sign_up_gets_the_same_response(database: Database) {
    let setup = Setup::new(database);
    let app = setup.app_with(setup.routes().enumeration_safe(true));
    let first = shown(&call(&app, "/users/", &body("ada", "ada@example.com")).await);
    assert!(!first.contains("ada"));
    for (username, email) in [
        ("bob", "bob@example.com"),
        ("ada", "ada@example.com"),
        ("ada", "eve@example.com"),
        ("eve", "ADA@example.com"),
        ("ada@example.com", "eve@example.com"),
    ] {
        let reply = call(&app, "/users/", &body(username, email)).await;
        assert_eq!(shown(&reply), first, "{username} {email}");
    }
    let mut with_tokens = new_user("carl");
    with_tokens["tokens"] = json!(true);
    assert_eq!(shown(&call(&app, "/users/", &with_tokens).await), first);
}

async fn the_mail_depends_on_what_is_taken(database: Database) {
    let setup = Setup::new(database);
    let app = setup.app_with(setup.routes().enumeration_safe(true));
    for (username, email, kind, to, named) in [
        ("Ada", "Ada@Example.com", MessageKind::VerifyEmail, "Ada@Example.com", Some("Ada")),
        // The owner's spelling counts: `ａda@example.com` may be another mailbox.
        ("eve", "ａda@example.com", MessageKind::AccountExists, "Ada@Example.com", Some("Ada")),
        ("ada", "ada@example.com", MessageKind::AccountExists, "Ada@Example.com", Some("Ada")),
        ("ADA", "eve@example.com", MessageKind::UsernameTaken, "eve@example.com", None),
        ("ada@example.com", "eve@example.com", MessageKind::UsernameTaken, "eve@example.com", None),
        // The mail does not reveal whether an account has the address.
        (
            "free@example.com",
            "eve@example.com",
            MessageKind::UsernameTaken,
            "eve@example.com",
            None,
        ),
        (
            "ＦＲＥＥ＠example.com",
            "eve@example.com",
            MessageKind::UsernameTaken,
            "eve@example.com",
            None,
        ),
    ] {
        shown(&call(&app, "/users/", &body(username, email)).await);
        let mail = setup.outbox.next().await;
        assert_eq!((mail.kind(), mail.to(), mail.username()), (kind, to, named), "{username}");
        let has_token = kind == MessageKind::VerifyEmail;
        assert_eq!((mail.token().is_some(), mail.link().is_some()), (has_token, has_token));
    }
    assert!(setup.users.account_by_username("eve").await.unwrap().is_none());
    // An address can be the user name of another account.
    setup.users.set_username(setup.account("ada").await.id(), "name@example.com").await.unwrap();
    shown(&call(&app, "/users/", &body("eve", "name@example.com")).await);
    let mail = setup.outbox.next().await;
    assert_eq!((mail.kind(), mail.to()), (MessageKind::UsernameTaken, "name@example.com"));
}

async fn known_and_unknown_names_cost_the_same(database: Database) {
    let setup = Setup::new(database);
    let counts = Counts::default();
    let users = CountedUsers::new(&setup.database, &counts);
    let builder = AccountRoutes::builder(setup.issuer.clone(), users, setup.outbox.clone());
    let app = builder.at("/api").enumeration_safe(true).build().unwrap().into_router();
    shown(&call(&app, "/users/", &body("ada", "ada@example.com")).await);
    counts.take();
    for (username, email) in [
        ("bob", "bob@example.com"),
        ("ada", "ada@example.com"),
        ("eve", "ada@example.com"),
        ("ada", "eve@example.com"),
    ] {
        let store = Recorded::start();
        shown(&call(&app, "/users/", &body(username, email)).await);
        assert_eq!(counts.take(), ["account_by_email", "create", "hash"], "{username} {email}");
        assert_eq!(store_calls(&store), ["generation"], "{username} {email}");
    }
}

async fn problems_that_reveal_nothing_are_rejected(database: Database) {
    let setup = Setup::new(database);
    let app = setup.app_with(setup.routes().enumeration_safe(true));
    shown(&call(&app, "/users/", &body("ada", "ada@example.com")).await);
    let mut all = Vec::new();
    for name in ["ada", "bob"] {
        let mut body = new_user(name);
        body["password"] = json!("letmein");
        let short = errors(&call(&app, "/users/", &body).await);
        body["password"] = json!(PASSWORD);
        body["username"] = json!(format!("{name}\u{200b}"));
        let invalid = errors(&call(&app, "/users/", &body).await);
        body["username"] = json!(name);
        body["email"] = json!("nowhere");
        let nowhere = errors(&call(&app, "/users/", &body).await);
        all.push((short, invalid, nowhere));
    }
    assert_eq!(all[0], all[1]);
    let (short, invalid, nowhere) = &all[0];
    assert_eq!(short.as_object().unwrap().keys().collect::<Vec<_>>(), ["password"]);
    assert_eq!(*invalid, json!({ "username": ["Enter a valid username."] }));
    assert_eq!(*nowhere, json!({ "email": ["Enter a valid email address."] }));
}

async fn one_of_many_concurrent_sign_ups_creates_the_account(database: Database) {
    let setup = Setup::new(database);
    let other = setup.reconnected();
    let apps = [&setup, &other].map(|it| it.app_with(it.routes().enumeration_safe(true)));
    setup.users.migrate().await.unwrap();
    let body = body("ada", "ada@example.com");
    let sign_ups = (0..40).map(|number| call(&apps[number % 2], "/users/", &body));
    let replies = join_all(sign_ups).await;
    let first = shown(&replies[0]);
    assert!(replies.iter().all(|reply| shown(reply) == first));
    let mut verifications = 0;
    for _ in 0..40 {
        let mail = setup.outbox.next().await;
        assert_eq!(mail.to(), "ada@example.com");
        match mail.kind() {
            MessageKind::VerifyEmail => verifications += 1,
            kind => assert_eq!(kind, MessageKind::AccountExists),
        }
    }
    assert_eq!(verifications, 1);
}
