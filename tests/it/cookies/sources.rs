//! Session cookies beside other sources of a layer.

use axum::{Router, body::Body, routing::post};
use http::{Method, Request};
use tower_jwt_auth::{
    AuthErrorKind::{InvalidRequest, MissingCredentials},
    JwtAuthLayer,
    middleware::CrossSiteLayer,
    transport::{SessionCookies, TokenSource},
};

use crate::support::{
    app::{layer, send},
    reply,
};

use super::{ACCESS, access_cookie, cookies, layer_with, request, session_token};

fn named(name: &str) -> SessionCookies {
    SessionCookies::builder().access_name(name).build().unwrap()
}

async fn outcome(layer: &JwtAuthLayer, headers: &[(&str, &str)]) -> String {
    let response = send(layer, request(&Method::GET, headers)).await;
    response.outcome().map_or_else(|kind| format!("{kind:?}"), str::to_owned)
}

#[tokio::test]
async fn a_layer_reads_the_cookies_set_last() {
    let token = session_token();
    let (first, second) = (format!("first={token}"), format!("second={token}"));
    let layer = layer().with_cookies(&named("first")).with_cookies(&named("second"));
    assert_eq!(outcome(&layer, &[("cookie", &first)]).await, "MissingCredentials");
    assert_eq!(outcome(&layer, &[("cookie", &second)]).await, "42");
    let replaced = layer.with_source(TokenSource::bearer());
    assert_eq!(outcome(&replaced, &[("cookie", &second)]).await, "MissingCredentials");
}

#[tokio::test]
async fn session_cookies_are_read_beside_other_sources() {
    let bearer = format!("Bearer {}", session_token());
    let other = format!("other={}", session_token());
    let layer = layer_with(&cookies())
        .with_additional_source(TokenSource::cookie("other").unwrap())
        // The same cookie again.
        .with_additional_source(TokenSource::cookie(ACCESS).unwrap());
    assert_eq!(outcome(&layer, &[("authorization", &bearer)]).await, "42");
    assert_eq!(outcome(&layer, &[("cookie", &access_cookie())]).await, "42");
    assert_eq!(outcome(&layer, &[("cookie", &other)]).await, "42");
    let both = format!("{other}; {}", access_cookie());
    assert_eq!(outcome(&layer, &[("cookie", &both)]).await, format!("{InvalidRequest:?}"));
    assert_eq!(outcome(&layer, &[]).await, format!("{MissingCredentials:?}"));

    // A cookie that was known without its attributes can be deleted once they are known.
    let known = crate::support::app::layer()
        .with_source(TokenSource::cookie(ACCESS).unwrap())
        .with_cookies(&cookies());
    let garbage = format!("{ACCESS}=x");
    let response = send(&known, request(&Method::GET, &[("cookie", &garbage)])).await;
    assert_eq!(response.headers.get_all("set-cookie").iter().count(), 1);
}

#[tokio::test]
async fn the_layer_against_other_sites_fits_around_a_router() {
    let app = Router::new()
        .route("/orders", post(async || "ordered"))
        .layer(CrossSiteLayer::new(&cookies()));
    for (site, status) in [("same-origin", 200), ("cross-site", 403)] {
        let request = Request::post("/orders")
            .header("cookie", access_cookie())
            .header("sec-fetch-site", site)
            .body(Body::empty())
            .unwrap();
        assert_eq!(reply::send(&app, request).await.status.as_u16(), status);
    }
}
