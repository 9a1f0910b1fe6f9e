//! The session routes, with everything turned on.

use axum::body::Body;
use http::{
    Method, Request,
    header::{COOKIE, SET_COOKIE},
};
use serde_json::json;
use tower_jwt_auth::{
    routes::{SessionRoutes, SessionRoutesBuilder},
    transport::SessionCookies,
};

use crate::support::{
    login::{Profile, Setup},
    reply::{post, send},
};

use super::{
    drive::{
        CODE, Described, Draft, DraftToken, OneCode, Outcomes, credentials, drive, throttle,
        with_client,
    },
    tokens::step,
};

pub(super) type Builder = SessionRoutesBuilder<Outcomes, Profile>;

pub(super) const ACCESS: &str = "__Host-access";
pub(super) const REFRESH: &str = "__Secure-refresh";

pub(super) fn cookies() -> SessionCookies {
    SessionCookies::builder().public_origin("https://app.example").build().unwrap()
}

/// Routes at `/api/session`, with the session list at `/api`.
pub(super) fn described(
    cookies: &SessionCookies,
    configure: impl FnOnce(Builder) -> Builder,
) -> Described {
    let setup = Setup::new();
    let routes = SessionRoutes::builder(setup.issuer(), Outcomes(setup.users.clone()), cookies)
        .at("/api/session")
        .session_list_at("/api")
        .second_factor(OneCode)
        .throttle(throttle(&setup))
        .refresh_throttle(throttle(&setup));
    let routes = configure(routes).build().unwrap();
    let (app, document) = routes.into_openapi_router().split_for_parts();
    Described::new(setup, with_client(app), document)
}

/// The access token and the refresh token in the cookies of a login.
pub(super) async fn log_in(described: &Described) -> [String; 2] {
    let reply = send(&described.app, post("/api/session", credentials().to_string())).await;
    let cookies = reply.header(SET_COOKIE.as_str());
    [ACCESS, REFRESH].map(|name| {
        let start = format!("{name}=");
        let mut values = cookies.iter().filter_map(|cookie| cookie.strip_prefix(&*start));
        values.next().unwrap().split(';').next().unwrap().to_owned()
    })
}

async fn draft(described: &Described, method: &Method, path: &str, code: &str) -> Draft {
    let [access, refresh] = log_in(described).await;
    // Invalid cookies are no error of a logout, but invalid Bearer tokens are.
    if method == Method::DELETE && path == "/api/session/" && code.starts_with("token_") {
        return Draft::new(path, DraftToken::Bearer(access));
    }
    let cookie = |path: &str| Draft::new(path, DraftToken::Cookie(ACCESS, access.clone()));
    match (method.as_str(), path) {
        ("POST", "/api/session/") => Draft::new(path, DraftToken::None).json(credentials()),
        ("POST", "/api/session/refresh") => Draft::new(path, DraftToken::Cookie(REFRESH, refresh)),
        ("POST", "/api/session/second-factor") => {
            let step = step(described, "/api/session").await;
            Draft::new(path, DraftToken::Field("step", step)).json(json!({"code": CODE}))
        }
        (_, "/api/sessions/{session_id}") => {
            let request =
                Request::get("/api/sessions").header(COOKIE, format!("{ACCESS}={access}"));
            let request = request.header("sec-fetch-site", "same-origin");
            let reply = send(&described.app, request.body(Body::empty()).unwrap()).await;
            let id = reply.json()[0]["id"].as_str().unwrap().to_owned();
            let draft = cookie(&format!("/api/sessions/{id}"));
            if method == Method::PATCH { draft.json(json!({"label": "Laptop"})) } else { draft }
        }
        ("POST", "/api/ticket") => cookie(path).json(json!({"path": "/api/export"})),
        _ => cookie(path),
    }
}

#[tokio::test(start_paused = true)]
async fn every_response_of_the_session_routes_is_described() {
    drive(async || described(&cookies(), |routes| routes), draft).await;
}

/// Requests of programs, with Bearer tokens.
#[tokio::test(start_paused = true)]
async fn every_response_to_a_bearer_token_is_described() {
    let make = || described(&cookies(), |routes| routes);
    let document = make().document;
    for operation in document.operations() {
        if !operation.security().contains(&"bearer".to_owned()) {
            continue;
        }
        let described = make();
        let mut draft = draft(&described, &operation.method, operation.path, "").await;
        let [access, _] = log_in(&described).await;
        draft.token = DraftToken::Bearer(access);
        described.send_draft(&operation.method, operation.path, draft).await;
    }
}
