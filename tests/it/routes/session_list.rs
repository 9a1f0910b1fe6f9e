//! The session list of the token routes: users see and end their own sessions.

use axum::{Json, Router, body::Body};
use http::{
    Request,
    header::{AUTHORIZATION, USER_AGENT},
};
use serde_json::{Value, json};
use tower_jwt_auth::{
    Issuer, JwtAuthLayer, TokenRoutes,
    routes::RouteError,
    token::{TokenType, UserId},
    user::User,
};

use crate::support::{
    flaky::StoreFailure,
    login::{MINUTE, PASSWORD, Profile, Setup, ada},
    reply::{self, Reply, post},
};

use super::{credentials, log_in, outcome, post_json, send, tokens};

/// The token routes at `/api/token`, and the session list below `/api`.
fn app(setup: &Setup) -> Router {
    app_with(setup, setup.issuer())
}

fn app_with(setup: &Setup, issuer: Issuer<Profile>) -> Router {
    let routes = TokenRoutes::builder(issuer, setup.users.clone()).at("/api/token");
    routes.session_list_at("/api").build().unwrap().into_router()
}

async fn call(app: &Router, line: &str, access: &str) -> Reply {
    let (method, path) = line.split_once(' ').unwrap();
    let request = Request::builder().method(method).uri(path);
    let request = request.header(AUTHORIZATION, format!("Bearer {access}"));
    send(app, request.body(Body::empty()).unwrap()).await
}

async fn sessions(app: &Router, access: &str) -> Vec<Value> {
    let reply = call(app, "GET /api/sessions", access).await;
    assert_eq!(reply.status, 200, "{reply:?}");
    reply.json().as_array().unwrap().clone()
}

async fn current_id(app: &Router, access: &str) -> String {
    let sessions = sessions(app, access).await;
    let current = sessions.into_iter().find(|session| session["current"] == true);
    current.unwrap()["id"].as_str().unwrap().to_owned()
}

/// Sends the request, and returns whether its access token was still accepted.
async fn is_accepted(app: &Router, access: &str) -> bool {
    call(app, "GET /api/sessions", access).await.status == 200
}

#[tokio::test]
async fn lists_the_sessions_of_the_user() {
    let setup = Setup::new();
    setup.users.put(User::new(2, ada().claims().clone()));
    let app = app(&setup);
    let (_, refresh) = log_in(&app).await;
    let other = json!({"username": "2", "password": PASSWORD});
    assert_eq!(post_json(&app, "/api/token/", &other).await.status, 200);

    setup.clock.advance(MINUTE);
    let (access, _) = log_in(&app).await;
    setup.clock.advance(MINUTE);
    let refreshed = post_json(&app, "/api/token/refresh", &json!({"refresh": refresh})).await;
    let first = current_id(&app, &tokens(&refreshed).0).await;
    let second = current_id(&app, &access).await;

    let reply = call(&app, "GET /api/sessions", &access).await;
    let entry = |id, created, used, expires, current| {
        let date = "2023-11-1";
        format!(
            r#"{{"id":"{id}","created_at":"{date}{created}","last_used_at":"{date}{used}","expires_at":"{date}{expires}","current":{current}}}"#
        )
    };
    let first = entry(first, "4T22:13:20Z", "4T22:15:20Z", "5T22:15:20Z", false);
    let second = entry(second, "4T22:14:20Z", "4T22:14:20Z", "5T22:14:20Z", true);
    let expected = format!("[{first},{second}]");
    assert_eq!(reply.body, expected);
}

#[tokio::test]
async fn a_user_ends_one_session() {
    let setup = Setup::new();
    let app = app(&setup);
    let (access, refresh) = log_in(&app).await;
    let (other, _) = log_in(&app).await;
    let id = current_id(&app, &access).await;

    let ended = call(&app, &format!("DELETE /api/sessions/{id}"), &other).await;
    assert_eq!((ended.status.as_u16(), &*ended.body), (204, ""));
    assert!(!is_accepted(&app, &access).await && is_accepted(&app, &other).await);
    let refreshed = post_json(&app, "/api/token/refresh", &json!({"refresh": refresh})).await;
    assert_eq!(outcome(&refreshed), (401, "token_revoked".to_owned()));
    let again = call(&app, &format!("DELETE /api/sessions/{id}"), &other).await;
    assert_eq!(outcome(&again), (404, "not_found".to_owned()));

    let id = current_id(&app, &other).await;
    assert_eq!(call(&app, &format!("DELETE /api/sessions/{id}"), &other).await.status, 204);
    assert!(!is_accepted(&app, &other).await);
}

#[tokio::test]
async fn unknown_sessions_and_those_of_others_are_404() {
    let setup = Setup::new();
    setup.users.put(User::new(2, ada().claims().clone()));
    let app = app(&setup);
    let (access, _) = log_in(&app).await;
    let other = json!({"username": "2", "password": PASSWORD});
    let (other, _) = tokens(&post_json(&app, "/api/token/", &other).await);
    let id = current_id(&app, &other).await;
    for id in [&*id, "unknown", "%ff", "%00", &"x".repeat(256)] {
        let reply = call(&app, &format!("DELETE /api/sessions/{id}"), &access).await;
        let expected = json!({"code": "not_found", "detail": "Not found."});
        assert_eq!((reply.status.as_u16(), reply.json()), (404, expected), "{id}");
    }
    assert!(is_accepted(&app, &other).await);
    assert!(sessions(&app, &access).await.iter().all(|session| session["id"] != *id));
}

#[tokio::test]
async fn a_user_ends_the_other_sessions() {
    let setup = Setup::new();
    let app = app(&setup);
    let (access, refresh) = log_in(&app).await;
    let (other, _) = log_in(&app).await;
    let reply = call(&app, "POST /api/logout-others", &access).await;
    assert_eq!((reply.status.as_u16(), &*reply.body), (200, "{}"));
    assert!(is_accepted(&app, &access).await && !is_accepted(&app, &other).await);
    let refreshed = post_json(&app, "/api/token/refresh", &json!({"refresh": refresh})).await;
    assert_eq!(refreshed.status, 200);

    // A token that belongs to no session, issued after the revocation.
    setup.clock.advance(MINUTE);
    let issuer = setup.issuer();
    let user_id = UserId::from(1);
    let claims = ada().claims().clone();
    let token = issuer.issue(&TokenType::Access, MINUTE, &user_id, &claims).unwrap();
    assert_eq!(sessions(&app, &token).await[0]["current"], false);
    assert_eq!(call(&app, "POST /api/logout-others", &token).await.status, 200);
    assert!(!is_accepted(&app, &access).await);
}

#[tokio::test]
async fn a_user_ends_all_sessions() {
    let setup = Setup::new();
    let app = app(&setup);
    let (access, _) = log_in(&app).await;
    let (other, _) = log_in(&app).await;
    let reply = call(&app, "POST /api/logout-all", &access).await;
    assert_eq!((reply.status.as_u16(), &*reply.body), (200, "{}"));
    assert_eq!(reply.header("set-cookie"), Vec::<&str>::new());
    assert!(!is_accepted(&app, &access).await && !is_accepted(&app, &other).await);
    assert!(is_accepted(&app, &log_in(&app).await.0).await);
}

#[tokio::test]
async fn the_session_list_requires_an_access_token() {
    let setup = Setup::new();
    let app = app(&setup);
    let (access, refresh) = log_in(&app).await;
    setup.issuer().revoke_user(&UserId::from(1)).await.unwrap();
    for line in [
        "GET /api/sessions",
        "DELETE /api/sessions/x",
        "POST /api/logout-others",
        "POST /api/logout-all",
    ] {
        let (method, path) = line.split_once(' ').unwrap();
        let request = Request::builder().method(method).uri(path).body(Body::empty()).unwrap();
        assert_eq!(outcome(&send(&app, request).await), (401, "not_authenticated".to_owned()));
        for (token, code) in [(&*access, "token_revoked"), (&refresh, "token_wrong_type")] {
            let reply = call(&app, line, token).await;
            assert_eq!(outcome(&reply), (401, code.to_owned()), "{line}");
        }
    }
}

#[tokio::test]
async fn without_the_store_the_session_list_is_503() {
    let setup = Setup::new();
    let app = app(&setup);
    let (access, _) = log_in(&app).await;
    let id = current_id(&app, &access).await;
    setup.store.set_failure(StoreFailure::Errors);
    let end = format!("DELETE /api/sessions/{id}");
    for line in ["GET /api/sessions", &end, "POST /api/logout-others", "POST /api/logout-all"] {
        assert_eq!(outcome(&call(&app, line, &access).await), (503, "unavailable".to_owned()));
    }
    setup.store.set_failure(StoreFailure::None);
    assert_eq!(sessions(&app, &access).await.len(), 1);
}

#[tokio::test]
async fn labels_are_listed_if_logins_set_them() {
    let setup = Setup::new();
    let issuer = setup.issuer();
    let routes = TokenRoutes::builder(issuer.clone(), setup.users.clone()).at("/api/token");
    let routes = routes.session_list_at("/api").session_label_from(USER_AGENT);
    let labelling = routes.build().unwrap().into_router();
    let mut login = post("/api/token/", credentials().to_string());
    login.headers_mut().insert(USER_AGENT, "Browser/7.0".parse().unwrap());
    let (access, _) = tokens(&send(&labelling, login).await);
    assert_eq!(sessions(&labelling, &access).await[0]["label"], "Browser/7.0");
    // The session has a label, although these routes set none.
    assert_eq!(
        sessions(&app_with(&setup, issuer.clone()), &access).await[0]["label"],
        "Browser/7.0"
    );

    issuer.revoke_user(&UserId::from(1)).await.unwrap();
    let (access, _) = log_in(&labelling).await;
    assert_eq!(sessions(&labelling, &access).await[0].get("label"), Some(&Value::Null));
    assert_eq!(sessions(&app_with(&setup, issuer), &access).await[0].get("label"), None);
}

#[tokio::test]
async fn the_session_list_serves_only_its_methods_and_paths() {
    let setup = Setup::new();
    let (app, without) = (app(&setup), super::app(&setup));
    let (access, _) = log_in(&app).await;
    for (line, allow) in [
        ("POST /api/sessions", "GET,HEAD"),
        ("GET /api/sessions/x", "DELETE,PATCH"),
        ("GET /api/logout-all", "POST"),
        ("PUT /api/logout-others", "POST"),
    ] {
        let reply = call(&app, line, &access).await;
        assert_eq!((reply.status.as_u16(), reply.header("allow")), (405, vec![allow]), "{line}");
    }
    let request = |path: &str| Request::get(path).body(Body::empty()).unwrap();
    for (app, path) in [
        (&app, "/api/sessions/"),
        (&app, "/api/token/sessions"),
        (&without, "/api/sessions"),
        (&without, "/api/token/sessions"),
    ] {
        let reply = crate::support::reply::send(app, request(path)).await;
        assert_eq!(reply.status, 404, "{path}");
    }
}

#[tokio::test]
async fn the_session_list_can_be_nested_below_a_parameter() {
    let setup = Setup::new();
    let app = Router::new().nest("/{tenant}", app(&setup));
    let reply = post_json(&app, "/acme/api/token/", &credentials()).await;
    let (access, _) = tokens(&reply);
    let reply = call(&app, "GET /acme/api/sessions", &access).await;
    let id = reply.json()[0]["id"].as_str().unwrap().to_owned();
    let ended = call(&app, &format!("DELETE /acme/api/sessions/{id}"), &access).await;
    assert_eq!(ended.status, 204);
}

#[tokio::test]
async fn the_application_can_set_the_layer_of_the_list() {
    let setup = Setup::new();
    let issuer = setup.issuer();
    let without_check = JwtAuthLayer::new(issuer.verifier());
    let app: Router = TokenRoutes::builder(issuer.clone(), setup.users.clone())
        .session_list_at("/api")
        .session_list_layer(without_check)
        .rejection(|error: &RouteError| (error.status(), Json(json!("rejected"))))
        .build()
        .unwrap()
        .into_router();
    let tokens = issuer.login(&ada()).await.unwrap();

    issuer.revoke_user(ada().id()).await.unwrap();
    assert_eq!(sessions(&app, tokens.access()).await, [] as [Value; 0]);
    let request = Request::get("/api/sessions").header(AUTHORIZATION, "Bearer garbage");
    let reply = reply::send(&app, request.body(Body::empty()).unwrap()).await;
    assert_eq!((reply.status.as_u16(), &*reply.body), (401, "\"rejected\""));
}
