//! The session list, with cookies.

use axum::Router;
use serde_json::{Value, json};
use tower_jwt_auth::{Issuer, token::UserId, user::User};

use crate::support::login::{Profile, Setup, ada};

use super::{
    app,
    browser::{ACCESS, Browser, REFRESH, cleared, with_bearer},
    graceful, outcome, rejected, router, routes, routes_with,
};

async fn sessions(browser: &Browser, app: &Router) -> Vec<Value> {
    let reply = browser.clone().send(app, "GET /api/session/sessions").await;
    assert_eq!(reply.status, 200, "{reply:?}");
    reply.json().as_array().unwrap().clone()
}

async fn current_id(browser: &Browser, app: &Router) -> String {
    let sessions = sessions(browser, app).await;
    let current = sessions.into_iter().find(|session| session["current"] == true);
    current.unwrap()["id"].as_str().unwrap().to_owned()
}

fn both() -> Vec<String> {
    vec![ACCESS.to_owned(), REFRESH.to_owned()]
}

#[tokio::test]
async fn a_browser_lists_sessions_with_their_labels() {
    let app = app(&Setup::new());
    let browser = Browser::logged_in(&app).await;
    let listed = sessions(&browser, &app).await;
    assert_eq!(
        listed,
        [json!({
            "id": listed[0]["id"],
            "created_at": "2023-11-14T22:13:20Z",
            "last_used_at": "2023-11-14T22:13:20Z",
            "expires_at": "2023-11-15T22:13:20Z",
            "current": true,
            "label": null,
        })]
    );
    let client = with_bearer(&Browser::default(), browser.cookie(ACCESS));
    assert_eq!(sessions(&client, &app).await, listed);
}

#[tokio::test]
async fn ending_the_own_session_clears_the_cookies() {
    let app = app(&Setup::new());
    let mut browser = Browser::logged_in(&app).await;
    let mut other = Browser::logged_in(&app).await;
    let (id, other_id) = (current_id(&browser, &app).await, current_id(&other, &app).await);
    let reply = browser.send(&app, &format!("DELETE /api/session/sessions/{other_id}")).await;
    assert_eq!((outcome(&reply), cleared(&reply)), (rejected(204, ""), vec![]));
    let reply = other.send(&app, "GET /api/session/").await;
    assert_eq!(outcome(&reply), rejected(401, "token_revoked"));
    let reply = other.send(&app, "POST /api/session/refresh").await;
    assert_eq!((outcome(&reply), cleared(&reply)), (rejected(401, "token_revoked"), both()));

    let reply = browser.send(&app, &format!("DELETE /api/session/sessions/{id}")).await;
    assert_eq!((outcome(&reply), cleared(&reply)), (rejected(204, ""), both()));
}

#[tokio::test]
async fn ending_all_sessions_clears_the_cookies() {
    let app = app(&Setup::new());
    let mut browser = Browser::logged_in(&app).await;
    let other = Browser::logged_in(&app).await;
    let reply = browser.send(&app, "POST /api/session/logout-others").await;
    assert_eq!((&*reply.body, cleared(&reply)), ("{}", vec![]));
    assert!(browser.is_logged_in(&app).await && !other.is_logged_in(&app).await);
    let reply = browser.send(&app, "POST /api/session/logout-all").await;
    assert_eq!((&*reply.body, cleared(&reply)), ("{}", both()));
    assert_eq!(browser.log_in(&app, "1").await.status, 200);

    // Cookies that came with a Bearer token are not those of its session.
    let other = Browser::logged_in(&app).await;
    let mut client = with_bearer(&browser, other.cookie(ACCESS));
    let reply = client.send(&app, "POST /api/session/logout-all").await;
    assert_eq!((reply.status.as_u16(), cleared(&reply)), (200, vec![]));
}

#[tokio::test]
async fn no_user_reaches_the_sessions_of_another() {
    let setup = Setup::new();
    setup.users.put(User::new(2, ada().claims().clone()));
    let app = app(&setup);
    let browser = Browser::logged_in(&app).await;
    let id = current_id(&browser, &app).await;
    let mut other = Browser::new();
    assert_eq!(other.log_in(&app, "2").await.status, 200);
    assert_eq!(sessions(&other, &app).await.len(), 1);
    for id in [&*id, "unknown", "%ff", &"x".repeat(256)] {
        let path = format!("/api/session/sessions/{id}");
        let reply = other.send(&app, &format!("DELETE {path}")).await;
        assert_eq!((outcome(&reply), cleared(&reply)), (rejected(404, "not_found"), vec![]));
        let label = json!({"label": "mine"});
        let reply = other.send_json(&app, &format!("PATCH {path}"), &label).await;
        assert_eq!(outcome(&reply), rejected(404, "not_found"));
    }
    for line in ["POST /api/session/logout-others", "POST /api/session/logout-all"] {
        assert_eq!(other.send(&app, line).await.status, 200);
    }
    assert!(browser.is_logged_in(&app).await);
    assert_eq!(sessions(&browser, &app).await[0]["label"], Value::Null);
}

#[tokio::test]
async fn a_user_labels_sessions() {
    let app = app(&Setup::new());
    let mut browser = Browser::logged_in(&app).await;
    let other = Browser::logged_in(&app).await;
    let line = format!("PATCH /api/session/sessions/{}", current_id(&other, &app).await);
    for (label, shown) in [
        (json!("Ada's phone"), json!("Ada's phone")),
        (json!("  two\nlines "), json!("twolines")),
        (json!("\u{e9}".repeat(200)), json!("\u{e9}".repeat(127))),
        (json!(" "), Value::Null),
        (json!("again"), json!("again")),
        (Value::Null, Value::Null),
    ] {
        let reply = browser.send_json(&app, &line, &json!({"label": label})).await;
        assert_eq!(outcome(&reply), rejected(204, ""));
        let listed = sessions(&other, &app).await;
        let session = listed.iter().find(|session| session["current"] == true).unwrap();
        assert_eq!(session["label"], shown);
    }
    for (body, problem) in [
        (json!({}), "This field is required."),
        (json!({"label": 7}), "Not a valid string."),
        (json!({"label": ["x"]}), "Not a valid string."),
    ] {
        let reply = browser.send_json(&app, &line, &body).await;
        assert_eq!(outcome(&reply), rejected(400, "invalid_body"));
        assert_eq!(reply.json()["errors"], json!({"label": [problem]}));
    }
    let reply = browser.send(&app, &line).await;
    assert_eq!(outcome(&reply), rejected(415, "unsupported_media_type"));
}

async fn ticket(browser: &mut Browser, app: &Router, path: &str) -> String {
    let reply = browser.send_json(app, "POST /api/session/ticket", &json!({"path": path})).await;
    assert_eq!(reply.status, 200, "{reply:?}");
    reply.json()["ticket"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_ticket_serves_one_request_of_its_path() {
    let setup = Setup::new();
    let issuer: Issuer<Profile> = graceful(&setup);
    let app = router(routes_with(&setup, issuer.clone()));
    let mut browser = Browser::logged_in(&app).await;
    let first = ticket(&mut browser, &app, "/api/export").await;
    let id = current_id(&browser, &app).await;
    assert!(issuer.redeem_ticket(&first, "/api/other").await.is_err());
    let claims = issuer.redeem_ticket(&first, "/api/export").await.unwrap();
    assert_eq!((claims.user_id(), claims.session_id()), (&UserId::from(1), Some(&*id)));
    assert!(issuer.redeem_ticket(&first, "/api/export").await.is_err());

    let second = ticket(&mut browser, &app, "/api/export").await;
    assert_eq!(browser.send(&app, "DELETE /api/session/").await.status, 204);
    assert!(issuer.redeem_ticket(&second, "/api/export").await.is_err());
}

#[tokio::test]
async fn tickets_need_a_path() {
    let app = app(&Setup::new());
    let mut browser = Browser::logged_in(&app).await;
    for (body, problem) in [
        (json!({}), "This field is required."),
        (json!({"path": "export"}), "Not a valid path."),
        (json!({"path": "/export?all=1"}), "Not a valid path."),
        (json!({"path": format!("/{}", "x".repeat(1024))}), "Not a valid path."),
    ] {
        let reply = browser.send_json(&app, "POST /api/session/ticket", &body).await;
        assert_eq!(outcome(&reply), rejected(400, "invalid_body"));
        assert_eq!(reply.json()["errors"], json!({"path": [problem]}));
    }
}

#[tokio::test]
async fn the_session_list_can_be_moved() {
    let app = router(routes(&Setup::new()).session_list_at("/api/"));
    let mut browser = Browser::logged_in(&app).await;
    assert_eq!(browser.send(&app, "GET /api/sessions").await.status, 200);
    let body = json!({"path": "/x"});
    assert_eq!(browser.send_json(&app, "POST /api/ticket", &body).await.status, 200);
    assert_eq!(browser.send(&app, "POST /api/logout-others").await.status, 200);
    let reply = browser.send(&app, "POST /api/logout-all").await;
    assert_eq!((reply.status.as_u16(), cleared(&reply)), (200, both()));
}

#[tokio::test]
async fn the_session_list_requires_an_access_token() {
    let app = app(&Setup::new());
    for line in [
        "GET /api/session/sessions",
        "DELETE /api/session/sessions/x",
        "PATCH /api/session/sessions/x",
        "POST /api/session/logout-others",
        "POST /api/session/logout-all",
        "POST /api/session/ticket",
    ] {
        let reply = Browser::new().send(&app, line).await;
        assert_eq!(outcome(&reply), rejected(401, "not_authenticated"), "{line}");
        let mut only_refresh = Browser::logged_in(&app).await.without(ACCESS);
        let reply = only_refresh.send(&app, line).await;
        assert_eq!(outcome(&reply), rejected(401, "not_authenticated"), "{line}");
    }
}
