//! The account of the user who sends a request.

use futures::future::join_all;
use serde_json::json;
use tower_jwt_auth::{mail::MessageKind, user::AccountBackend};

use crate::users::database::{Database, on_both_databases};

use super::{
    password::WRONG,
    session::Session,
    setup::{PASSWORD, Setup, call, errors, log_in, new_user, sign_up},
};

const USERNAME_TAKEN: &str = "A user with that username already exists.";

on_both_databases! {
    the_account_is_described
    the_user_name_can_be_changed
    one_of_many_concurrent_names_wins
    invalid_names_change_nothing
    a_deletion_needs_the_password
    a_deleted_account_is_gone
}

async fn the_account_is_described(database: Database) {
    let setup = Setup::new(database);
    let app = setup.app();
    sign_up(&setup, &app, "Ada").await;
    let session = Session::begin(&app, "ada", PASSWORD).await;
    let reply = session.get_me().await;
    let id = setup.account("ada").await.id().clone();
    let expected = json!({"id": id, "username": "Ada", "email": "Ada@example.com"});
    assert_eq!((reply.status.as_u16(), reply.json()), (200, expected));
    assert_eq!(reply.header("cache-control"), ["no-store"]);
    let routes = setup.routes().describe_user(|account| {
        [("roles".to_owned(), json!(account.roles().collect::<Vec<_>>()))].into_iter().collect()
    });
    let described = session.at(&setup.app_with(routes));
    assert_eq!(described.get_me().await.json(), json!({ "roles": [] }));
    assert_eq!(described.patch_me(&json!({})).await.json(), json!({ "roles": [] }));
    let request = http::Request::get("/api/me").body(axum::body::Body::empty()).unwrap();
    let reply = crate::support::reply::send(&app, request).await;
    assert_eq!((reply.status.as_u16(), reply.header("www-authenticate").len()), (401, 1));
    setup.users.set_active(&id, false).await.unwrap();
    let reply = session.get_me().await;
    assert_eq!((reply.status.as_u16(), &reply.json()["code"]), (401, &json!("user_inactive")));
}

async fn the_user_name_can_be_changed(database: Database) {
    let setup = Setup::new(database);
    let app = setup.app();
    sign_up(&setup, &app, "ada").await;
    let mut session = Session::begin(&app, "ada", PASSWORD).await;
    // To another spelling, to the own address, and back.
    for name in ["Ada", "ada@example.com", "Countess"] {
        let reply = session.patch_me(&json!({ "username": name })).await;
        assert_eq!((reply.status.as_u16(), &reply.json()["username"]), (200, &json!(name)));
        assert_eq!(session.get_me().await.json()["username"], name);
    }
    session.assert_live().await;
    assert_eq!(log_in(&app, "ada", PASSWORD).await.status, 401);
    assert_eq!(log_in(&app, "countess", PASSWORD).await.status, 200);
    for body in [json!({}), json!({ "username": "Countess", "email": null, "password": "x" })] {
        let reply = session.patch_me(&body).await;
        assert_eq!((reply.status.as_u16(), &reply.json()["username"]), (200, &json!("Countess")));
    }
    assert_eq!(log_in(&app, "countess", PASSWORD).await.status, 200);
}

async fn one_of_many_concurrent_names_wins(database: Database) {
    let setup = Setup::new(database);
    let other = Setup { users: setup.database.users(), ..setup.clone() };
    let apps = [setup.app(), other.app()];
    let mut sessions = Vec::new();
    for number in 0..12 {
        let name = format!("user{number}");
        sign_up(&setup, &apps[0], &name).await;
        sessions.push(Session::begin(&apps[number % 2], &name, PASSWORD).await);
    }
    let body = json!({ "username": "countess" });
    let replies = join_all(sessions.iter().map(|session| session.patch_me(&body))).await;
    assert_eq!(replies.iter().filter(|reply| reply.status == 200).count(), 1);
    for reply in replies.iter().filter(|reply| reply.status != 200) {
        assert_eq!(errors(reply), json!({ "username": [USERNAME_TAKEN] }));
    }
}

async fn invalid_names_change_nothing(database: Database) {
    let setup = Setup::new(database);
    let app = setup.app();
    sign_up(&setup, &app, "bob").await;
    sign_up(&setup, &app, "ada").await;
    let session = Session::begin(&app, "ada", PASSWORD).await;
    let taken = json!({
        "username": [USERNAME_TAKEN],
        "email": ["A user with that email address already exists."],
    });
    let found =
        errors(&session.patch_me(&json!({"username": "BOB", "email": "BOB@example.com"})).await);
    assert_eq!(found, taken);
    for (body, field, problem) in [
        (json!({"username": "bob@example.com"}), "username", USERNAME_TAKEN),
        (json!({"username": "a\u{200b}"}), "username", "Enter a valid username."),
        (json!({"username": "new", "email": "nowhere"}), "email", "Enter a valid email address."),
        (
            json!({"username": "  ", "email": "new@example.com"}),
            "username",
            "This field may not be blank.",
        ),
        (json!({"username": "x".repeat(5_000)}), "username", "This value is too long."),
        (json!({"username": [], "email": "new@example.com"}), "username", "Not a valid string."),
    ] {
        assert_eq!(errors(&session.patch_me(&body).await), json!({ field: [problem] }));
    }
    let me = session.get_me().await.json();
    assert_eq!((&me["username"], &me["email"]), (&json!("ada"), &json!("ada@example.com")));
    // No mail was sent: the next one is that of another sign-up.
    sign_up(&setup, &app, "carl").await;
}

async fn a_deletion_needs_the_password(database: Database) {
    let setup = Setup::new(database);
    let app = setup.app();
    sign_up(&setup, &app, "ada").await;
    let mut session = Session::begin(&app, "ada", PASSWORD).await;
    let found = errors(&session.delete_me("wrong").await);
    assert_eq!(found, json!({ "password": [WRONG] }));
    let reply = session.send(http::Method::DELETE, "/me", Some(&json!({}))).await;
    assert_eq!(errors(&reply), json!({ "password": ["This field is required."] }));
    let reply = session.send(http::Method::DELETE, "/me", None).await;
    assert_eq!(reply.status, 415);
    session.assert_live().await;
}

async fn a_deleted_account_is_gone(database: Database) {
    let setup = Setup::new(database);
    let app = setup.app();
    let verification = sign_up(&setup, &app, "ada").await;
    let session = Session::begin(&app, "ada", PASSWORD).await;
    let other = Session::begin(&app, "ada", PASSWORD).await;
    call(&app, "/password/reset", &json!({ "email": "ada@example.com" })).await;
    let reset = setup.outbox.token(MessageKind::ResetPassword).await;
    let deletions = join_all((0..10).map(|_| session.delete_me(PASSWORD))).await;
    let statuses: Vec<_> = deletions.iter().map(|reply| reply.status.as_u16()).collect();
    assert!(statuses.contains(&204), "{statuses:?}");
    assert!(statuses.iter().all(|status| [204, 400, 401].contains(status)), "{statuses:?}");
    session.assert_ended().await;
    other.assert_ended().await;
    assert_eq!(log_in(&app, "ada", PASSWORD).await.status, 401);
    for (path, token) in [("/users/verify", &verification), ("/password/reset/confirm", &reset)] {
        let reply = call(&app, path, &json!({ "token": token, "password": PASSWORD })).await;
        assert_eq!(reply.json()["code"], "invalid_token", "{path}");
    }
    assert_eq!(call(&app, "/users/", &new_user("ada")).await.status, 201);
    session.assert_ended().await;
}
