//! The token routes, from the view of a client.

mod bodies;
mod custom_errors;
mod fields;
mod flood;
mod hostile;
mod paths;
mod responses;
mod session_list;
mod settings;

use axum::{Router, body::Body};
use http::Request;
use serde_json::{Value, json};
use tower_jwt_auth::{Issuer, TokenRoutes};

use crate::support::{
    login::{PASSWORD, Profile, Setup},
    reply::{self, Reply, post},
};

/// The routes at `/api/token`, with refresh token rotation.
fn app(setup: &Setup) -> Router {
    app_with(setup, setup.issuer())
}

fn app_with(setup: &Setup, issuer: Issuer<Profile>) -> Router {
    let routes = TokenRoutes::builder(issuer, setup.users.clone()).at("/api/token");
    routes.build().unwrap().into_router()
}

/// Sends `request`, and checks the rules that hold for every response.
async fn send(app: &Router, request: Request<Body>) -> Reply {
    let reply = reply::send(app, request).await;
    let status = reply.status.as_u16();
    assert!(status < 500 || status == 503, "{reply:?}");
    assert_eq!(reply.header("cache-control"), ["no-store"], "{reply:?}");
    let content_type = if status == 204 { vec![] } else { vec!["application/json"] };
    assert_eq!(reply.header("content-type"), content_type, "{reply:?}");
    let challenges = reply.header("www-authenticate");
    assert_eq!(challenges.len(), usize::from(status == 401), "{reply:?}");
    assert!(challenges.iter().all(|value| value.starts_with("Bearer realm=\"api\"")), "{reply:?}");
    assert_eq!(reply.header("retry-after").len(), usize::from(status == 503), "{reply:?}");
    assert_eq!(reply.header("allow").len(), usize::from(status == 405), "{reply:?}");
    // A response to HEAD has no body.
    if status != 200 && !reply.body.is_empty() {
        let body = reply.json();
        assert!(body["detail"].is_string() && body["code"].is_string(), "{reply:?}");
    }
    reply
}

async fn post_json(app: &Router, path: &str, body: &Value) -> Reply {
    send(app, post(path, body.to_string())).await
}

fn credentials() -> Value {
    json!({"username": "1", "password": PASSWORD})
}

/// The access token and the refresh token of a login.
async fn log_in(app: &Router) -> (String, String) {
    let reply = post_json(app, "/api/token/", &credentials()).await;
    assert_eq!(reply.status, 200, "{reply:?}");
    tokens(&reply)
}

fn tokens(reply: &Reply) -> (String, String) {
    let body = reply.json();
    let token = |name: &str| body[name].as_str().unwrap().to_owned();
    (token("access"), token("refresh"))
}

/// The status and the code of a response.
fn outcome(reply: &Reply) -> (u16, String) {
    (reply.status.as_u16(), reply.json()["code"].as_str().unwrap_or_default().to_owned())
}
