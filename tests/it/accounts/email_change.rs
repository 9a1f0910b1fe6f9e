//! Changes of the e-mail address.

use serde_json::json;
use tower_jwt_auth::{
    accounts::AccountRoutes,
    mail::{Message, MessageKind},
    store::MemoryStore,
    throttle::Throttle,
};

use crate::{
    support::recorded::Recorded,
    users::database::{Database, on_both_databases},
};

use super::{
    counted::{CountedUsers, Counts},
    password::NEW,
    session::Session,
    setup::{PASSWORD, Setup, VERIFY_LINK, call, errors, log_in, sign_up, store_calls},
};

on_both_databases! {
    a_new_address_counts_once_it_is_confirmed
    a_confirmed_address_makes_older_requests_worthless
    a_new_password_makes_the_token_worthless
    the_end_of_the_session_ends_its_request
    an_address_that_was_taken_meanwhile_is_rejected
    occupied_addresses_are_hidden_if_sign_up_is_safe
    names_that_reveal_addresses_are_rejected_if_sign_up_is_safe
    a_throttle_limits_the_mails
}

fn facts(mail: &Message) -> (MessageKind, &str, bool) {
    (mail.kind(), mail.to(), mail.token().is_some())
}

async fn a_new_address_counts_once_it_is_confirmed(database: Database) {
    let setup = Setup::new(database);
    let app = setup.app();
    let verification = sign_up(&setup, &app, "ada").await;
    call(&app, "/users/verify", &json!({ "token": verification })).await;
    let mut session = Session::begin(&app, "ada", PASSWORD).await;
    let body = json!({"username": "countess", "email": "Countess@example.com"});
    let reply = session.patch_me(&body).await;
    assert_eq!(reply.status, 200, "{reply:?}");
    let me = reply.json();
    assert_eq!((&me["username"], &me["email"]), (&json!("countess"), &json!("ada@example.com")));
    let new = setup.outbox.next().await;
    assert_eq!(facts(&new), (MessageKind::VerifyEmail, "Countess@example.com", true));
    let token = new.token().unwrap();
    assert_eq!(new.link().unwrap(), VERIFY_LINK.replace("{token}", token));
    let old = setup.outbox.next().await;
    assert_eq!(facts(&old), (MessageKind::EmailChangeRequested, "ada@example.com", false));
    assert!(old.link().is_none());
    assert!(setup.account("countess").await.is_verified());
    assert_eq!(log_in(&app, "countess@example.com", PASSWORD).await.status, 401);

    let verify = async || call(&app, "/users/verify", &json!({ "token": token })).await;
    assert_eq!(verify().await.status, 204);
    let changed = setup.outbox.next().await;
    assert_eq!(facts(&changed), (MessageKind::EmailChanged, "ada@example.com", false));
    let account = setup.account("countess").await;
    assert_eq!((account.email(), account.is_verified()), (Some("Countess@example.com"), true));
    assert_eq!(verify().await.json()["code"], "invalid_token");
    session.assert_live().await;
    assert_eq!(log_in(&app, "countess@example.com", PASSWORD).await.status, 200);
    assert_eq!(log_in(&app, "ada@example.com", PASSWORD).await.status, 401);
    // The same address is no change.
    session.patch_me(&json!({ "email": "Countess@example.com" })).await;
    sign_up(&setup, &app, "bob").await;
}

/// Otherwise a mistyped address, which belongs to a stranger, could replace the right one later.
async fn a_confirmed_address_makes_older_requests_worthless(database: Database) {
    let setup = Setup::new(database);
    let app = setup.app();
    sign_up(&setup, &app, "ada").await;
    let session = Session::begin(&app, "ada", PASSWORD).await;
    let mut tokens = Vec::new();
    for email in ["typo@example.com", "right@example.com"] {
        assert_eq!(session.patch_me(&json!({ "email": email })).await.status, 200);
        tokens.push(setup.outbox.next().await.token().unwrap().to_owned());
        let _ = setup.outbox.next().await;
    }
    let verify = async |token: &str| call(&app, "/users/verify", &json!({ "token": token })).await;
    assert_eq!(verify(&tokens[1]).await.status, 204);
    let reply = verify(&tokens[0]).await;
    assert_eq!((reply.status.as_u16(), &reply.json()["code"]), (400, &json!("invalid_token")));
    assert_eq!(setup.account("ada").await.email(), Some("right@example.com"));
}

async fn a_new_password_makes_the_token_worthless(database: Database) {
    let setup = Setup::new(database);
    let app = setup.app();
    sign_up(&setup, &app, "ada").await;
    let session = Session::begin(&app, "ada", PASSWORD).await;
    session.patch_me(&json!({ "email": "thief@example.com" })).await;
    let token = setup.outbox.token(MessageKind::VerifyEmail).await;
    assert_eq!(session.change_password(PASSWORD, NEW).await.status, 204);
    let reply = call(&app, "/users/verify", &json!({ "token": token })).await;
    assert_eq!(reply.json()["code"], "invalid_token");
    assert_eq!(setup.account("ada").await.email(), Some("ada@example.com"));
}

/// A thief with a session has asked for an address before the owner ends that session.
async fn the_end_of_the_session_ends_its_request(database: Database) {
    let setup = Setup::new(database);
    let app = setup.app();
    sign_up(&setup, &app, "ada").await;
    let stolen = Session::begin(&app, "ada", PASSWORD).await;
    stolen.patch_me(&json!({ "email": "thief@example.com" })).await;
    let token = setup.outbox.token(MessageKind::VerifyEmail).await;
    stolen.log_out().await;
    let reply = call(&app, "/users/verify", &json!({ "token": token })).await;
    assert_eq!(reply.json()["code"], "invalid_token");
    assert_eq!(setup.account("ada").await.email(), Some("ada@example.com"));
}

async fn an_address_that_was_taken_meanwhile_is_rejected(database: Database) {
    let setup = Setup::new(database);
    let app = setup.app();
    sign_up(&setup, &app, "ada").await;
    let session = Session::begin(&app, "ada", PASSWORD).await;
    session.patch_me(&json!({ "email": "bob@example.com" })).await;
    let token = setup.outbox.token(MessageKind::VerifyEmail).await;
    assert_eq!(setup.outbox.next().await.kind(), MessageKind::EmailChangeRequested);
    sign_up(&setup, &app, "bob").await;
    let reply = call(&app, "/users/verify", &json!({ "token": token })).await;
    assert_eq!(reply.status, 400, "{reply:?}");
    assert_eq!(setup.account("ada").await.email(), Some("ada@example.com"));
}

async fn occupied_addresses_are_hidden_if_sign_up_is_safe(database: Database) {
    let setup = Setup::new(database);
    let counts = Counts::default();
    let users = CountedUsers::new(&setup.database, &counts);
    let builder = AccountRoutes::builder(setup.issuer.clone(), users, setup.outbox.clone());
    let accounts = builder.at("/api").enumeration_safe(true).build().unwrap();
    let app = setup.app().clone();
    for name in ["ada", "Bob"] {
        let token = sign_up(&setup, &app, name).await;
        call(&app, "/users/verify", &json!({ "token": token })).await;
    }
    let session = Session::begin(&app, "ada", PASSWORD).await.at(&accounts.into_router());
    session.get_me().await;
    counts.take();
    let (mut seen, mut mails) = (Vec::new(), Vec::new());
    for email in ["eve@example.com", "bob@example.com"] {
        let store = Recorded::start();
        let reply = session.patch_me(&json!({ "email": email })).await;
        assert_eq!(reply.status, 200, "{email}");
        seen.push((format!("{reply:?}"), counts.take(), store_calls(&store)));
        mails.push([setup.outbox.next().await, setup.outbox.next().await]);
    }
    assert_eq!(seen[0], seen[1]);
    let old = (MessageKind::EmailChangeRequested, "ada@example.com", false);
    let [free, occupied] = &mails[..] else { unreachable!() };
    assert_eq!(facts(&free[0]), (MessageKind::VerifyEmail, "eve@example.com", true));
    assert_eq!(facts(&occupied[0]), (MessageKind::AccountExists, "Bob@example.com", false));
    assert_eq!(occupied[0].username(), Some("Bob"));
    assert_eq!((facts(&free[1]), facts(&occupied[1])), (old, old));
    let found = errors(&session.patch_me(&json!({ "email": "nowhere" })).await);
    assert_eq!(found, json!({ "email": ["Enter a valid email address."] }));
}

/// A name that is taken because it is the address of another account would reveal the address.
async fn names_that_reveal_addresses_are_rejected_if_sign_up_is_safe(database: Database) {
    let setup = Setup::new(database);
    let app = setup.app_with(setup.routes().enumeration_safe(true));
    sign_up(&setup, &app, "bob").await;
    sign_up(&setup, &app, "ada").await;
    let session = Session::begin(&app, "ada", PASSWORD).await;
    for name in ["bob@example.com", "eve@example.com", "ＢＯＢ＠example.com"] {
        let found = errors(&session.patch_me(&json!({ "username": name })).await);
        assert_eq!(found, json!({ "username": ["Enter a valid username."] }), "{name}");
    }
    assert_eq!(session.patch_me(&json!({ "username": "ada@example.com" })).await.status, 200);
}

async fn a_throttle_limits_the_mails(database: Database) {
    let setup = Setup::new(database);
    let throttle = Throttle::builder(MemoryStore::new()).clock(&setup.clock).without_addresses();
    let app = setup.app_with(setup.routes().mail_throttle(throttle.build().unwrap()));
    sign_up(&setup, &app, "ada").await;
    let session = Session::begin(&app, "ada", PASSWORD).await;
    let mut victim = Vec::new();
    for _ in 0..11 {
        let reply = session.patch_me(&json!({ "email": "victim@example.com" })).await;
        victim.push(reply.status.as_u16());
    }
    assert_eq!((victim[..10].to_vec(), victim[10]), (vec![200; 10], 429));
    assert_eq!(session.patch_me(&json!({ "username": "countess" })).await.status, 200);
}
