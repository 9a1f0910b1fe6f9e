//! The account routes beside the session routes.

use axum::{Router, body::Body};
use http::{Request, header::CONTENT_TYPE};
use serde_json::{Value, json};
use tower_jwt_auth::{
    accounts::AccountRoutesBuilder, routes::SessionRoutes, transport::SessionCookies,
    user::SqlUsers,
};

use crate::{
    support::reply::{Reply, send},
    users::database::{Database, on_both_databases},
};

use super::setup::{Setup, new_user};

on_both_databases! {
    a_sign_up_begins_a_session_with_cookies_if_allowed
    requests_of_other_sites_are_rejected
}

/// The routes, and the session routes at `/api/session`.
fn app(
    setup: &Setup,
    configure: impl FnOnce(AccountRoutesBuilder<SqlUsers>) -> AccountRoutesBuilder<SqlUsers>,
) -> Router {
    let cookies = SessionCookies::builder().public_origin("https://app.example").build().unwrap();
    let sessions = SessionRoutes::builder(setup.issuer.clone(), setup.users.clone(), &cookies)
        .at("/api/session")
        .build()
        .unwrap();
    let routes = configure(setup.routes().with_cookies(sessions.cookies()));
    routes.build().unwrap().into_router().merge(sessions.into_router())
}

fn request(path: &str, body: &Value, headers: &[(&str, &str)]) -> Request<Body> {
    let mut request = Request::post(path).header(CONTENT_TYPE, "application/json");
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    request.body(body.to_string().into()).unwrap()
}

const OWN: (&str, &str) = ("sec-fetch-site", "same-origin");

/// The cookies that a response sets, for the next request.
fn cookies_of(reply: &Reply) -> String {
    let cookies = reply.header("set-cookie").into_iter();
    let pairs: Vec<_> = cookies.map(|cookie| cookie.split(';').next().unwrap()).collect();
    pairs.join("; ")
}

async fn a_sign_up_begins_a_session_with_cookies_if_allowed(database: Database) {
    let setup = Setup::new(database);
    let without = app(&setup, |routes| routes);
    let reply = send(&without, request("/api/users/", &new_user("bob"), &[OWN])).await;
    assert_eq!((reply.status.as_u16(), cookies_of(&reply)), (201, String::new()));

    let app = app(&setup, |routes| routes.cookies_at_sign_up(true).tokens_at_sign_up(true));
    let reply = send(&app, request("/api/users/", &new_user("ada"), &[OWN])).await;
    assert_eq!(reply.status, 201, "{reply:?}");
    assert!(reply.json().get("access").is_none());
    assert_eq!(reply.header("cache-control"), ["no-store"]);
    let set = reply.header("set-cookie");
    assert!(set.len() == 2 && set[1].contains("Path=/api/session;"), "{set:?}");
    let cookies = cookies_of(&reply);
    let refresh = request("/api/session/refresh", &json!({}), &[OWN, ("cookie", &cookies)]);
    assert_eq!(send(&app, refresh).await.status, 200);
    let current = Request::get("/api/session").header("cookie", &cookies);
    let current = send(&app, current.body(Body::empty()).unwrap()).await;
    assert_eq!(current.json()["user"]["id"], reply.json()["id"]);

    // A client that wants tokens gets no cookies.
    let mut body = new_user("eve");
    body["tokens"] = json!(true);
    let reply = send(&app, request("/api/users/", &body, &[])).await;
    assert!(reply.json()["access"].is_string() && cookies_of(&reply).is_empty());
}

async fn requests_of_other_sites_are_rejected(database: Database) {
    let setup = Setup::new(database);
    let app = app(&setup, |routes| routes.cookies_at_sign_up(true));
    let cookie = ("cookie", "__Host-access=eyJhbGciOiJIUzI1NiJ9.e30.c2ln");
    let evil = ("origin", "https://evil.example");
    for path in ["/api/users/", "/api/users/verify", "/api/users/verify/resend"] {
        for headers in [
            vec![("sec-fetch-site", "cross-site")],
            vec![("sec-fetch-site", "same-site")],
            vec![evil],
            vec![evil, cookie],
            vec![cookie],
        ] {
            let reply = send(&app, request(path, &new_user("ada"), &headers)).await;
            assert_eq!(reply.status, 403, "{path} {headers:?}");
            assert_eq!(reply.json()["code"], "cross_site_request");
        }
        // A program has neither header, and no cookie.
        let reply = send(&app, request(path, &json!({}), &[])).await;
        assert_eq!(reply.status, 400, "{path}");
    }
}
