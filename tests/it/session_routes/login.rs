//! `POST {base}/`: the login.

use axum::{body::Body, routing::get};
use http::{
    Request,
    header::{CONTENT_TYPE, USER_AGENT},
};
use serde_json::{Map, json};
use tower_jwt_auth::{AuthError, token::UserId, user::User};

use crate::support::{
    login::{HOUR, MINUTE, PASSWORD, Profile, Setup, ada, payload},
    reply,
};

use super::{
    app,
    browser::{ACCESS, Browser, REFRESH, set_cookies},
    graceful, outcome, rejected, router, routes, routes_with,
};

#[tokio::test]
async fn a_login_sets_both_cookies_and_returns_no_token() {
    let setup = Setup::new();
    let app = app(&setup);
    let mut browser = Browser::new();
    let reply = browser.log_in(&app, "1").await;
    assert_eq!((reply.status.as_u16(), &*reply.body), (200, r#"{"user":{"id":"1"}}"#));

    let [access, refresh] = set_cookies(&reply.headers).try_into().unwrap();
    assert_eq!((&*access.name, access.max_age), (ACCESS, 300));
    assert_eq!(access.attributes, ["HttpOnly", "Path=/", "SameSite=Lax", "Secure"]);
    assert_eq!(payload(&access.value)["token_type"], "access");
    assert_eq!((&*refresh.name, refresh.max_age), (REFRESH, 86_400));
    assert_eq!(refresh.attributes, ["HttpOnly", "Path=/api/session", "SameSite=Strict", "Secure"]);
    assert_eq!(payload(&refresh.value)["token_type"], "refresh");
    assert!(browser.is_logged_in(&app).await);
}

#[tokio::test]
async fn the_application_describes_the_user() {
    let setup = Setup::new();
    let routes = routes(&setup)
        .describe_user(|user| Map::from_iter([("name".to_owned(), json!(user.claims().username))]));
    let app = router(routes);
    let mut browser = Browser::new();
    let reply = browser.log_in(&app, "1").await;
    assert_eq!(reply.json(), json!({"user": {"name": "ada"}}));
    let reply = browser.send(&app, "GET /api/session").await;
    assert_eq!(reply.json(), json!({"user": {"name": "ada"}}));
}

#[tokio::test]
async fn no_cookie_outlives_its_token() {
    let setup = Setup::new();
    let issuer = setup
        .builder()
        .refresh_lifetime(HOUR)
        .session_lifetime(HOUR)
        .reuse_grace(MINUTE)
        .build()
        .unwrap();
    let app = router(routes_with(&setup, issuer));
    let mut browser = Browser::new();
    let ages = |reply: &reply::Reply| -> Vec<_> {
        set_cookies(&reply.headers).iter().map(|cookie| cookie.max_age).collect()
    };
    assert_eq!(ages(&browser.log_in(&app, "1").await), [300, 3600]);
    setup.clock.advance(MINUTE * 58);
    let mut other_tab = browser.clone();
    assert_eq!(ages(&browser.send(&app, "POST /api/session/refresh").await), [120, 120]);
    setup.clock.advance(MINUTE / 2);
    // The second tab gets the refresh token that the first one has had for half a minute.
    assert_eq!(ages(&other_tab.send(&app, "POST /api/session/refresh").await), [90, 90]);
}

#[tokio::test]
async fn rejected_logins_set_no_cookie_and_do_not_reveal_which_accounts_exist() {
    let setup = Setup::new();
    setup.users.put(User::new(2, ada().claims().clone()).with_active(false));
    let app = app(&setup);
    let mut replies = Vec::new();
    for (username, password) in [("1", "wrong"), ("2", PASSWORD), ("2", "wrong"), ("3", PASSWORD)] {
        let body = json!({"username": username, "password": password});
        let reply = Browser::new().send_json(&app, "POST /api/session/", &body).await;
        assert_eq!(outcome(&reply), rejected(401, "invalid_credentials"));
        assert_eq!(set_cookies(&reply.headers), []);
        replies.push((reply.status, reply.headers, reply.body));
    }
    assert!(replies.windows(2).all(|pair| pair[0] == pair[1]), "{replies:?}");
    assert_eq!(setup.events.take(), ["LoginFailed InvalidCredentials"; 4]);
}

#[tokio::test]
async fn only_json_is_accepted() {
    let setup = Setup::new();
    let app = app(&setup);
    let json = format!(r#"{{"username":"1","password":"{PASSWORD}"}}"#);
    let mut browser = Browser::logged_in(&app).await;
    for line in ["POST /api/session/", "POST /api/session/refresh", "DELETE /api/session/"] {
        for content_type in
            ["application/x-www-form-urlencoded", "multipart/form-data", "text/plain", "json"]
        {
            for body in [Body::from(json.clone()), Body::empty()] {
                let mut request: Request<Body> = browser.request(line);
                request.headers_mut().insert(CONTENT_TYPE, content_type.parse().unwrap());
                *request.body_mut() = body;
                let reply = browser.send_request(&app, request).await;
                assert_eq!(outcome(&reply), rejected(415, "unsupported_media_type"), "{line}");
                assert_eq!(set_cookies(&reply.headers), []);
            }
        }
        let mut request = browser.request(line);
        *request.body_mut() = json.clone().into();
        let reply = browser.send_request(&app, request).await;
        assert_eq!(outcome(&reply), rejected(415, "unsupported_media_type"), "{line}");
    }
    for line in ["POST /api/session/refresh", "DELETE /api/session/"] {
        let status = browser.send_json(&app, line, &json!({})).await.status;
        assert!(status.is_success(), "{line}");
    }
}

#[tokio::test]
async fn a_login_labels_its_session() {
    let setup = Setup::new();
    let issuer = graceful(&setup);
    let app = router(routes_with(&setup, issuer.clone()).session_label_from(USER_AGENT));
    let mut browser = Browser::new().with_header("user-agent", "Browser/7.0");
    assert_eq!(browser.log_in(&app, "1").await.status, 200);
    let sessions = issuer.sessions(&UserId::from(1)).await.unwrap();
    assert_eq!(sessions[0].label.as_deref(), Some("Browser/7.0"));
}

#[tokio::test]
async fn fields_of_a_login_can_be_renamed() {
    let setup = Setup::new();
    let app = router(routes(&setup).rename_field("username", "email"));
    let body = json!({"email": "1", "password": PASSWORD});
    assert_eq!(Browser::new().send_json(&app, "POST /api/session", &body).await.status, 200);
    let reply = Browser::new().log_in(&app, "1").await;
    assert_eq!(outcome(&reply), rejected(400, "invalid_body"));
    assert_eq!(reply.json()["errors"], json!({"email": ["This field is required."]}));
}

#[tokio::test]
async fn a_token_that_is_too_long_for_a_cookie_is_an_error() {
    let setup = Setup::new();
    let username = "x".repeat(3000);
    setup.users.put(User::new(1, Profile { username }));
    let mut browser = Browser::new();
    let app = app(&setup);
    let body = json!({"username": "1", "password": PASSWORD});
    let request = browser.request_with("POST /api/session/", &body);
    let reply = reply::send(&app, request).await;
    assert_eq!((outcome(&reply).0, set_cookies(&reply.headers)), (500, vec![]));
    let sessions = setup.issuer().sessions(&UserId::from(1)).await.unwrap();
    assert!(sessions.is_empty(), "a session whose tokens nobody has");
    setup.users.put(ada());
    assert_eq!(browser.log_in(&app, "1").await.status, 200);
}

#[tokio::test]
async fn another_route_of_the_application_can_log_a_browser_in() {
    let setup = Setup::new();
    let issuer = graceful(&setup);
    let sessions = routes_with(&setup, issuer.clone()).build().unwrap();
    let (login, logout) = (sessions.clone(), sessions.clone());
    let app = sessions.into_router::<()>();
    let app = app.route(
        "/callback",
        get(async move || {
            let tokens = issuer.login(&ada()).await?;
            Ok::<_, AuthError>((login.cookies_for(&tokens)?, "welcome"))
        }),
    );
    let app = app.route("/goodbye", get(async move || (logout.clearing_cookies(), "goodbye")));

    let mut browser = Browser::new();
    let reply = browser.send(&app, "GET /callback").await;
    assert_eq!(reply.status, 200);
    assert!(!format!("{:?}", reply.headers).contains("eyJ"), "a token in the debug output");
    assert_eq!(browser.send(&app, "GET /api/session/").await.status, 200);
    assert_eq!(browser.send(&app, "POST /api/session/refresh").await.status, 200);
    assert_eq!(browser.send(&app, "GET /goodbye").await.status, 200);
    assert_eq!(browser.send(&app, "GET /api/session/").await.status, 401);
}
