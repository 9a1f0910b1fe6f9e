//! Changes of the password.

use std::net::SocketAddr;

use axum::{Router, extract::ConnectInfo};
use futures::future::join_all;
use http::StatusCode;
use serde_json::json;
use tower_jwt_auth::{
    TokenRoutes, mail::MessageKind, store::MemoryStore, throttle::Throttle, user::AccountBackend,
};

use crate::users::database::{Database, on_both_databases};

use super::{
    session::Session,
    setup::{PASSWORD, Setup, call, errors, log_in, sign_up},
};

pub(super) const NEW: &str = "difference engine no. 2";
pub(super) const WRONG: &str = "The password is incorrect.";

on_both_databases! {
    other_sessions_end_and_this_one_goes_on
    both_fields_are_checked_at_once
    wrong_passwords_change_nothing
    a_session_that_refreshes_meanwhile_goes_on
    a_session_of_others_that_refreshes_meanwhile_ends
    one_of_many_concurrent_changes_wins
    the_session_that_wins_goes_on
    wrong_passwords_count_for_the_user
    logins_of_strangers_block_no_change
    a_change_needs_a_token
}

async fn other_sessions_end_and_this_one_goes_on(database: Database) {
    let setup = Setup::new(database);
    let app = setup.app();
    sign_up(&setup, &app, "ada").await;
    let mut own = Session::begin(&app, "ada", PASSWORD).await;
    let mut spent = Session::begin(&app, "ada", PASSWORD).await;
    spent.renew().await;
    let other = Session::begin(&app, "ada@example.com", PASSWORD).await;
    let reply = own.change_password(PASSWORD, NEW).await;
    assert_eq!((reply.status, &*reply.body), (StatusCode::NO_CONTENT, ""));
    assert_eq!(reply.header("cache-control"), ["no-store"]);
    let mail = setup.outbox.next().await;
    assert_eq!((mail.kind(), mail.to()), (MessageKind::PasswordChanged, "ada@example.com"));
    assert_eq!((mail.username(), mail.token()), (Some("ada"), None));

    other.assert_ended().await;
    spent.assert_ended().await;
    own.assert_live().await;
    assert_eq!(log_in(&app, "ada", PASSWORD).await.status, 401);
    Session::begin(&app, "ada", NEW).await.assert_live().await;
    // Again, with the same session.
    assert_eq!(own.change_password(NEW, PASSWORD).await.status, 204);
    own.assert_live().await;
}

async fn both_fields_are_checked_at_once(database: Database) {
    let setup = Setup::new(database);
    let app = setup.app();
    sign_up(&setup, &app, "lovelace").await;
    let session = Session::begin(&app, "lovelace", PASSWORD).await;
    let required = json!(["This field is required."]);
    let reply = session.send(http::Method::POST, "/password", Some(&json!({}))).await;
    assert_eq!(errors(&reply), json!({ "current": required, "new": required }));
    let found = errors(&session.change_password("wrong", "letmein").await);
    let short = "This password is too short. It must contain at least 15 characters.";
    let expected = json!({ "current": [WRONG], "new": [short, "This password is too common."] });
    assert_eq!(found, expected);
    for new in ["lovelace lovelace", &"é".repeat(129), &"x".repeat(10_000)] {
        let found = errors(&session.change_password(PASSWORD, new).await);
        assert_eq!(found.as_object().unwrap().keys().collect::<Vec<_>>(), ["new"]);
    }
    // The parser rounds such a number, so another one would be the same password.
    let body = json!({ "current": PASSWORD, "new": 123_456_789_012_345_678_901_234_567_890_f64 });
    let reply = session.send(http::Method::POST, "/password", Some(&body)).await;
    assert_eq!(errors(&reply), json!({ "new": ["Not a valid string."] }));
}

async fn wrong_passwords_change_nothing(database: Database) {
    let setup = Setup::new(database);
    let app = setup.app();
    sign_up(&setup, &app, "ada").await;
    let mut own = Session::begin(&app, "ada", PASSWORD).await;
    let mut other = Session::begin(&app, "ada", PASSWORD).await;
    let long = "x".repeat(5_000);
    for current in ["wrong", "PUNCHED CARDS AND BRASS", &*long] {
        let found = errors(&own.change_password(current, NEW).await);
        assert_eq!(found, json!({ "current": [WRONG] }));
    }
    own.assert_live().await;
    other.assert_live().await;
    assert_eq!(log_in(&app, "ada", PASSWORD).await.status, 200);
}

/// The refresh has read the account before the change, and spends the token afterwards.
async fn a_session_that_refreshes_meanwhile_goes_on(database: Database) {
    let setup = Setup::new(database);
    let app = setup.app();
    sign_up(&setup, &app, "ada").await;
    for round in 0..10 {
        let (old, new) = if round % 2 == 0 { (PASSWORD, NEW) } else { (NEW, PASSWORD) };
        let own = Session::begin(&app, "ada", old).await;
        let (changed, refreshed) = futures::join!(own.change_password(old, new), async {
            for _ in 0..round {
                tokio::task::yield_now().await;
            }
            own.refresh().await
        });
        assert_eq!((changed.status.as_u16(), refreshed.status.as_u16()), (204, 200), "{round}");
        let token = refreshed.json()["refresh"].clone();
        let again = call(&app, "/token/refresh", &json!({ "refresh": token })).await;
        assert_eq!(again.status, 200, "{round}");
    }
}

async fn a_session_of_others_that_refreshes_meanwhile_ends(database: Database) {
    let setup = Setup::new(database);
    let app = setup.app();
    sign_up(&setup, &app, "ada").await;
    for round in 0..10 {
        let (old, new) = if round % 2 == 0 { (PASSWORD, NEW) } else { (NEW, PASSWORD) };
        let own = Session::begin(&app, "ada", old).await;
        let mut others = Vec::new();
        for _ in 0..5 {
            others.push(Session::begin(&app, "ada", old).await);
        }
        let refreshes = join_all(others.iter().map(Session::refresh));
        let logins = join_all((0..5).map(|_| log_in(&app, "ada", old)));
        let (changed, refreshed, logged_in) =
            futures::join!(own.change_password(old, new), refreshes, logins);
        assert_eq!(changed.status, 204);
        for reply in refreshed.into_iter().chain(logged_in) {
            if reply.status == 200 {
                let body = json!({ "refresh": reply.json()["refresh"] });
                let again = call(&app, "/token/refresh", &body).await;
                assert_eq!(again.status, 401, "{round}");
                let access = json!({ "token": reply.json()["access"] });
                assert_eq!(call(&app, "/token/verify", &access).await.status, 401, "{round}");
            }
        }
    }
}

async fn one_of_many_concurrent_changes_wins(database: Database) {
    let setup = Setup::new(database);
    let other = Setup { users: setup.database.users(), ..setup.clone() };
    let apps = [setup.app(), other.app()];
    sign_up(&setup, &apps[0], "ada").await;
    let mut own = Session::begin(&apps[0], "ada", PASSWORD).await;
    let sessions = apps.map(|app| own.at(&app));
    let news: Vec<_> = (0..40).map(|number| format!("difference engine no. {number}")).collect();
    let changes = news.iter().enumerate();
    let changes = changes.map(|(number, new)| sessions[number % 2].change_password(PASSWORD, new));
    let replies = join_all(changes).await;
    let winners: Vec<_> = (0..40).filter(|number| replies[*number].status == 204).collect();
    assert_eq!(winners.len(), 1);
    // A busy machine may exceed a deadline.
    for reply in replies.iter().filter(|reply| ![204, 503].contains(&reply.status.as_u16())) {
        assert_eq!(errors(reply), json!({ "current": [WRONG] }));
    }
    own.assert_live().await;
    own.change_password(&news[winners[0]], PASSWORD).await;
    own.assert_live().await;
}

/// Sessions of several devices change the password at once.
async fn the_session_that_wins_goes_on(database: Database) {
    let setup = Setup::new(database);
    let app = setup.app();
    sign_up(&setup, &app, "ada").await;
    let mut password = PASSWORD.to_owned();
    for round in 0..3 {
        let mut sessions = Vec::new();
        for _ in 0..8 {
            sessions.push(Session::begin(&app, "ada", &password).await);
        }
        let news: Vec<_> = (0..8).map(|it| format!("difference engine {round}-{it}")).collect();
        let changes = sessions.iter().zip(&news);
        let changes = changes.map(|(session, new)| session.change_password(&password, new));
        let replies = join_all(changes).await;
        let winners: Vec<_> = (0..8).filter(|index| replies[*index].status == 204).collect();
        assert_eq!(winners.len(), 1, "{replies:?}");
        for (index, session) in sessions.iter_mut().enumerate() {
            if index == winners[0] {
                session.assert_live().await;
            } else {
                session.assert_ended().await;
            }
        }
        password.clone_from(&news[winners[0]]);
    }
}

fn app_with_throttle(setup: &Setup) -> Router {
    let throttle = Throttle::builder(MemoryStore::new()).clock(&setup.clock).without_addresses();
    let throttle = throttle.build().unwrap();
    let tokens = TokenRoutes::builder(setup.issuer.clone(), setup.users.clone());
    let tokens = tokens.at("/api/token").throttle(throttle.clone()).build().unwrap();
    let accounts = setup.routes().password_throttle(throttle).build().unwrap();
    tokens.into_router().merge(accounts.into_router())
}

async fn wrong_passwords_count_for_the_user(database: Database) {
    let setup = Setup::new(database);
    let app = app_with_throttle(&setup);
    sign_up(&setup, &app, "ada").await;
    let own = Session::begin(&app, "ada", PASSWORD).await;
    for _ in 0..9 {
        assert_eq!(own.change_password("wrong", NEW).await.status, 400);
    }
    // A correct password resets the limit, even if the new one is rejected.
    assert_eq!(own.change_password(PASSWORD, "short").await.status, 400);
    for _ in 0..5 {
        assert_eq!(own.delete_me("wrong").await.status, 400);
        assert_eq!(own.change_password("wrong", NEW).await.status, 400);
    }
    // Another name has no attempts of its own.
    assert_eq!(own.patch_me(&json!({ "username": "lovelace" })).await.status, 200);
    for reply in [own.change_password(PASSWORD, NEW).await, own.delete_me(PASSWORD).await] {
        assert_eq!((reply.status.as_u16(), reply.header("retry-after")), (429, vec!["30"]));
    }
    assert_eq!(log_in(&app, "lovelace", PASSWORD).await.status, 200);
    setup.clock.advance(std::time::Duration::from_secs(30));
    assert_eq!(own.change_password(PASSWORD, NEW).await.status, 204);
}

async fn logins_of_strangers_block_no_change(database: Database) {
    let setup = Setup::new(database);
    let app = app_with_throttle(&setup);
    sign_up(&setup, &app, "ada").await;
    let own = Session::begin(&app, "ada", PASSWORD).await;
    for _ in 0..10 {
        assert_eq!(log_in(&app, "ada", "wrong").await.status, 401);
    }
    assert_eq!(log_in(&app, "ada", PASSWORD).await.status, 429);
    assert_eq!(own.change_password(PASSWORD, NEW).await.status, 204);
    // The names of others that equal an id do not count either.
    let id = setup.account("ada").await.id().to_string();
    for _ in 0..10 {
        assert_eq!(log_in(&app, &id, "wrong").await.status, 401);
    }
    assert_eq!(own.change_password(NEW, PASSWORD).await.status, 204);
}

async fn a_change_needs_a_token(database: Database) {
    let setup = Setup::new(database);
    let app = setup.app();
    sign_up(&setup, &app, "ada").await;
    let reply = call(&app, "/password", &json!({ "current": PASSWORD, "new": NEW })).await;
    assert_eq!(reply.status, 401);
    let own = Session::begin(&app, "ada", PASSWORD).await;
    setup.users.set_active(setup.account("ada").await.id(), false).await.unwrap();
    assert_eq!(own.change_password(PASSWORD, NEW).await.status, 401);
}

#[tokio::test]
async fn the_addresses_of_wrong_passwords_count() {
    let setup = Setup::new(Database::file());
    let throttle = Throttle::builder(MemoryStore::new()).clock(&setup.clock).build().unwrap();
    let app = setup.app_with(setup.routes().password_throttle(throttle));
    let app = app.layer(axum::Extension(ConnectInfo(SocketAddr::from(([192, 0, 2, 1], 4711)))));
    for number in 0..10 {
        let name = format!("user{number}");
        sign_up(&setup, &app, &name).await;
        let own = Session::begin(&app, &name, PASSWORD).await;
        for _ in 0..10 {
            assert_eq!(own.change_password("wrong", NEW).await.status, 400);
        }
    }
    sign_up(&setup, &app, "ada").await;
    let own = Session::begin(&app, "ada", PASSWORD).await;
    assert_eq!(own.change_password(PASSWORD, NEW).await.status, 429);
}
