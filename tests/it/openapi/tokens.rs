//! The token routes, with everything turned on.

use http::{Method, header::USER_AGENT};
use serde_json::{Value, json};
use tower_jwt_auth::{TokenRoutes, routes::TokenRoutesBuilder};

use crate::support::{
    login::{Profile, Setup},
    reply::{post, send},
};

use super::drive::{
    CODE, Described, Draft, DraftToken, OneCode, Outcomes, credentials, drive, throttle,
    with_client,
};

pub(super) type Builder = TokenRoutesBuilder<Outcomes, Profile>;

/// Routes at `/api/token`, with a session list at `/api`.
pub(super) fn described(configure: impl FnOnce(Builder) -> Builder) -> Described {
    let setup = Setup::new();
    let routes = TokenRoutes::builder(setup.issuer(), Outcomes(setup.users.clone()))
        .at("/api/token")
        .session_list_at("/api")
        .session_label_from(USER_AGENT)
        .second_factor(OneCode)
        .throttle(throttle(&setup))
        .refresh_throttle(throttle(&setup));
    let routes = configure(routes).build().unwrap();
    let (app, document) = routes.into_openapi_router().split_for_parts();
    Described::new(setup, with_client(app), document)
}

/// The tokens of a login.
pub(super) async fn log_in(described: &Described) -> Value {
    let reply = send(&described.app, post("/api/token/", credentials().to_string())).await;
    assert_eq!(reply.status, 200, "{reply:?}");
    reply.json()
}

/// The step of a login.
pub(super) async fn step(described: &Described, path: &str) -> String {
    let body = json!({"username": "second", "password": "any"});
    let reply = send(&described.app, post(path, body.to_string())).await;
    reply.json()["step"].as_str().unwrap().to_owned()
}

pub(super) async fn draft(described: &Described, method: &Method, path: &str, _: &str) -> Draft {
    let tokens = log_in(described).await;
    let [access, refresh] = ["access", "refresh"].map(|it| tokens[it].as_str().unwrap().to_owned());
    let bearer = |path: &str| Draft::new(path, DraftToken::Bearer(access.clone()));
    match (method.as_str(), path) {
        ("POST", "/api/token/") => Draft::new(path, DraftToken::None).json(credentials()),
        ("POST", "/api/token/refresh" | "/api/token/blacklist") => {
            Draft::new(path, DraftToken::Field("refresh", refresh)).json(json!({}))
        }
        ("POST", "/api/token/verify") => {
            Draft::new(path, DraftToken::Field("token", access)).json(json!({}))
        }
        ("POST", "/api/token/second-factor") => {
            let step = step(described, "/api/token/").await;
            Draft::new(path, DraftToken::Field("step", step)).json(json!({"code": CODE}))
        }
        (_, "/api/sessions/{session_id}") => {
            let reply = send(&described.app, {
                let request = http::Request::get("/api/sessions");
                let request = request.header("authorization", format!("Bearer {access}"));
                request.body(axum::body::Body::empty()).unwrap()
            });
            let id = reply.await.json()[0]["id"].as_str().unwrap().to_owned();
            let draft = bearer(&format!("/api/sessions/{id}"));
            if method == Method::PATCH { draft.json(json!({"label": "Laptop"})) } else { draft }
        }
        ("POST", "/api/ticket") => bearer(path).json(json!({"path": "/api/export"})),
        _ => bearer(path),
    }
}

#[tokio::test(start_paused = true)]
async fn every_response_of_the_token_routes_is_described() {
    drive(async || described(|routes| routes), draft).await;
}
