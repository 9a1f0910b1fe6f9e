//! What requests about known and unknown accounts cost.

use axum::Router;
use serde_json::json;
use tower_jwt_auth::{TokenRoutes, accounts::AccountRoutes};

use crate::{
    support::recorded::Recorded,
    users::database::{Database, on_both_databases},
};

use super::{
    counted::{CountedUsers, Counts},
    setup::{PASSWORD, Setup, call, log_in, new_user, store_calls},
};

on_both_databases! {
    a_sign_up_costs_one_hash_and_two_calls
    another_mail_costs_the_same_for_all_addresses
    logins_of_unknown_and_unverified_users_look_and_cost_the_same
}

/// All routes, with users that count.
fn counted(setup: &Setup) -> (Router, Counts) {
    let counts = Counts::default();
    let users = CountedUsers::new(&setup.database, &counts);
    let accounts =
        AccountRoutes::builder(setup.issuer.clone(), users.clone(), setup.outbox.clone());
    let tokens = TokenRoutes::builder(setup.issuer.clone(), users).at("/api/token");
    let app = accounts.at("/api").build().unwrap().into_router();
    (app.merge(tokens.build().unwrap().into_router()), counts)
}

async fn a_sign_up_costs_one_hash_and_two_calls(database: Database) {
    let setup = Setup::new(database);
    let (app, counts) = counted(&setup);
    let store = Recorded::start();
    assert_eq!(call(&app, "/users/", &new_user("ada")).await.status, 201);
    assert_eq!(counts.take(), ["create", "hash"]);
    assert_eq!(store_calls(&store), ["generation"]);
    // A weak password is not hashed.
    let mut body = new_user("bob");
    body["password"] = json!("letmein");
    assert_eq!(call(&app, "/users/", &body).await.status, 400);
    assert_eq!(counts.take(), ["name_problems"]);
}

async fn another_mail_costs_the_same_for_all_addresses(database: Database) {
    let setup = Setup::new(database);
    let (app, counts) = counted(&setup);
    for name in ["ada", "bob"] {
        assert_eq!(call(&app, "/users/", &new_user(name)).await.status, 201);
    }
    setup.mark_verified("bob").await;
    counts.take();
    for name in ["ada", "bob", "nobody"] {
        let body = json!({ "email": format!("{name}@example.com") });
        let store = Recorded::start();
        assert_eq!(call(&app, "/users/verify/resend", &body).await.status, 202);
        assert_eq!(counts.take(), ["account_by_email"], "{name}");
        assert_eq!(store_calls(&store), ["generation"], "{name}");
    }
}

async fn logins_of_unknown_and_unverified_users_look_and_cost_the_same(database: Database) {
    let setup = Setup::new(database);
    let (app, counts) = counted(&setup);
    for name in ["ada", "bob"] {
        assert_eq!(call(&app, "/users/", &new_user(name)).await.status, 201);
    }
    setup.mark_verified("bob").await;
    counts.take();
    let mut seen = Vec::new();
    for (name, password) in [
        ("nobody", PASSWORD),
        ("bob", "another password"),
        ("ada", PASSWORD),
        ("ada", "another password"),
        ("ada@example.com", PASSWORD),
    ] {
        let store = Recorded::start();
        let reply = log_in(&app, name, password).await;
        assert_eq!(reply.status, 401);
        seen.push((format!("{reply:?}"), counts.take(), store_calls(&store)));
    }
    assert!(seen.iter().all(|it| *it == seen[0]), "{seen:?}");
    assert_eq!(seen[0].1, ["authenticate", "hash"]);
    assert_eq!(log_in(&app, "bob", PASSWORD).await.status, 200);
}
