//! Sign-up that reveals which names are taken.

use serde_json::json;
use tower_jwt_auth::mail::MessageKind;

use crate::users::database::{Database, on_both_databases};

use super::setup::{PASSWORD, Setup, VERIFY_LINK, call, errors, new_user, sign_up};

on_both_databases! {
    a_user_signs_up_and_verifies_the_address
    all_problems_are_reported_at_once
}

async fn a_user_signs_up_and_verifies_the_address(database: Database) {
    let setup = Setup::new(database);
    let app = setup.app();
    let reply = call(&app, "/users/", &new_user("Ada")).await;
    assert_eq!(reply.status, 201, "{reply:?}");
    let ada = setup.account("ada").await;
    let expected = json!({"id": ada.id(), "username": "Ada", "email": "Ada@example.com"});
    assert_eq!(reply.json(), expected);
    assert_eq!(reply.header("cache-control"), ["no-store"]);
    assert!(!ada.is_verified());

    let mail = setup.outbox.next().await;
    assert_eq!((mail.kind(), mail.to()), (MessageKind::VerifyEmail, "Ada@example.com"));
    let token = mail.token().unwrap();
    assert_eq!(mail.link().unwrap(), VERIFY_LINK.replace("{token}", token));
    let verified = call(&app, "/users/verify", &json!({ "token": token })).await;
    assert_eq!((verified.status.as_u16(), &*verified.body), (204, ""));
    assert!(setup.account("ada").await.is_verified());
    let again = call(&app, "/users/verify", &json!({ "token": token })).await;
    assert_eq!((again.status.as_u16(), &again.json()["code"]), (400, &json!("invalid_token")));
}

async fn all_problems_are_reported_at_once(database: Database) {
    let setup = Setup::new(database);
    let app = setup.app();
    sign_up(&setup, &app, "ada").await;
    let required = json!(["This field is required."]);
    let missing = errors(&call(&app, "/users/", &json!({})).await);
    let expected = json!({"username": required, "email": required, "password": required});
    assert_eq!(missing, expected);

    let body = json!({"username": "ADA", "email": "ada", "password": "letmein"});
    let found = errors(&call(&app, "/users/", &body).await);
    let expected = json!({
        "username": ["A user with that username already exists."],
        "email": ["Enter a valid email address."],
        "password": [
            "This password is too short. It must contain at least 15 characters.",
            "This password is too common.",
        ],
    });
    assert_eq!(found, expected);

    let body = json!({"username": "ada\u{200b}", "email": "ADA@EXAMPLE.COM", "password": PASSWORD});
    let found = errors(&call(&app, "/users/", &body).await);
    let expected = json!({
        "username": ["Enter a valid username."],
        "email": ["A user with that email address already exists."],
    });
    assert_eq!(found, expected);
}
