//! Request bodies in each format.

use std::{convert::Infallible, time::Duration};

use axum::{Router, body::Body};
use futures::{StreamExt, stream};
use http::{Method, Request, StatusCode};
use serde_json::json;
use tokio::time::Instant;
use tower_jwt_auth::error::ConfigErrorKind;

use crate::support::announced::Announced;

use super::setup::{PASSWORD, REFRESH, Site, post, post_as, send, token};

const FORM: &str = "application/x-www-form-urlencoded";
const MULTIPART: &str = "multipart/form-data; boundary=edge";

fn part(head: &str, value: &str) -> String {
    format!("--edge\r\nContent-Disposition: form-data; {head}\r\n\r\n{value}\r\n")
}

#[tokio::test]
async fn reads_every_format() {
    let site = Site::new().await;
    let app = site.app(&json!({}));
    let credentials = json!({"username": "ada", "password": PASSWORD});
    let form = "username=ada&password=engine+42&next=%2F";
    let multipart = [
        part("name=\"username\"", "ada"),
        part("name=\"password\"", PASSWORD),
        "--edge--\r\n".to_owned(),
    ];
    for (content_type, body) in [
        ("application/json", credentials.to_string()),
        ("Application/JSON; charset=utf-8", credentials.to_string()),
        (FORM, form.to_owned()),
        (MULTIPART, multipart.concat()),
    ] {
        for path in ["/api/token/", "/api/token", "/api/token/sliding"] {
            let reply = post_as(&app, path, content_type, body.clone()).await;
            assert_eq!(reply.status, 200, "{content_type}: {reply:?}");
        }
    }
}

#[tokio::test]
async fn names_unsupported_media_types() {
    let site = Site::new().await;
    let app = site.app(&json!({}));
    for content_type in ["text/plain", "text/plain; charset=utf-8", "", "application/vnd.api+json"]
    {
        let reply = post_as(&app, REFRESH, content_type, r#"{"refresh":"x"}"#).await;
        assert_eq!(reply.status, StatusCode::UNSUPPORTED_MEDIA_TYPE);
        let detail = format!("Unsupported media type \"{content_type}\" in request.");
        assert_eq!(reply.body, json!({ "detail": detail }).to_string());
    }
    let without = Request::post(REFRESH).body(Body::from("x")).unwrap();
    let reply = send(&app, without).await;
    assert_eq!(reply.body, r#"{"detail":"Unsupported media type \"\" in request."}"#);
    // An empty body needs no media type.
    let reply = post_as(&app, REFRESH, "text/plain", "").await;
    assert_eq!(reply.body, r#"{"refresh":["This field is required."]}"#);
}

#[tokio::test]
async fn rejects_malformed_forms() {
    let site = Site::new().await;
    let app = site.app(&json!({}));
    let file = part("name=\"refresh\"; filename=\"a\"", "x") + "--edge--\r\n";
    let twice = part("name=\"refresh\"", "x").repeat(2) + "--edge--\r\n";
    for (content_type, body, expected) in [
        (FORM, "refresh=x&refresh=y", r#"{"detail":"Form parse error - Repeated field"}"#),
        (FORM, "refresh=%00", r#"{"refresh":["Null characters are not allowed."]}"#),
        (FORM, "refresh", r#"{"refresh":["This field may not be blank."]}"#),
        (FORM, "a=b", r#"{"refresh":["This field is required."]}"#),
        (MULTIPART, "--edge--\r\n", r#"{"refresh":["This field is required."]}"#),
        (MULTIPART, &file, r#"{"refresh":["Not a valid string."]}"#),
        (MULTIPART, &twice, r#"{"detail":"Multipart form parse error - Repeated field"}"#),
        (
            "multipart/form-data",
            "x",
            r#"{"detail":"Multipart form parse error - Invalid boundary in multipart: None"}"#,
        ),
        (
            MULTIPART,
            "--edge\r\nContent",
            r#"{"detail":"Multipart form parse error - Malformed multipart"}"#,
        ),
    ] {
        let reply = post_as(&app, REFRESH, content_type, body.to_owned()).await;
        assert_eq!((reply.status, &*reply.body), (StatusCode::BAD_REQUEST, expected), "{body}");
    }
}

#[tokio::test]
async fn rejects_long_bodies() {
    let site = Site::new().await;
    let app = site.app(&json!({}));
    for len in [16 * 1024, 64 * 1024] {
        let reply = post(&app, REFRESH, &json!({ "refresh": "x".repeat(len) })).await;
        assert_eq!(reply.status, StatusCode::PAYLOAD_TOO_LARGE);
        assert_eq!(reply.json()["code"], "body_too_large");
    }
    let announced = Request::post(REFRESH).body(Body::new(Announced)).unwrap();
    assert_eq!(send(&app, announced).await.status, StatusCode::PAYLOAD_TOO_LARGE);
}

/// One byte per hour must not occupy a connection.
#[tokio::test(start_paused = true)]
async fn rejects_bodies_that_do_not_arrive_in_time() {
    let site = Site::new().await;
    let jwt = site.builder(&json!({})).build().unwrap();
    let views = jwt.views().unwrap();
    for (views, seconds) in
        [(views.clone(), 10), (views.clone().with_body_timeout(Duration::from_secs(2)).unwrap(), 2)]
    {
        let app: Router = views.router("/api/token").unwrap();
        for content_type in ["application/json", FORM, MULTIPART, "text/plain"] {
            let slow = stream::iter([Ok::<_, Infallible>("{")]).chain(stream::pending());
            let began = Instant::now();
            let reply = post_as(&app, REFRESH, content_type, Body::from_stream(slow)).await;
            assert_eq!(reply.status, StatusCode::REQUEST_TIMEOUT, "{content_type}");
            assert_eq!(reply.json()["code"], "body_timeout");
            assert_eq!(began.elapsed().as_secs(), seconds);
        }
    }
    for seconds in [0, 301] {
        let error = views.clone().with_body_timeout(Duration::from_secs(seconds)).unwrap_err();
        assert_eq!(error.kind(), ConfigErrorKind::OutOfRange);
    }
}

/// `serde_json` with its feature `raw_value`, which this crate enables, would parse these as the
/// strings inside.
#[tokio::test]
async fn rejects_reserved_member_names() {
    let site = Site::new().await;
    let app = site.app(&json!({}));
    let refresh = token("refresh", &[]);
    let marked = format!(r#"{{"$serde_json::private::RawValue":"\"{refresh}\""}}"#);
    for body in [
        format!(r#"{{"refresh":{marked}}}"#),
        format!(r#"{{"refresh":"{refresh}","other":[{marked}]}}"#),
        r#"{"$serde_json::private::RawValue":"{}"}"#.to_owned(),
        r#"{"\u0024serde_json::private::Number":"1"}"#.to_owned(),
    ] {
        let reply = post_as(&app, REFRESH, "application/json", body.clone()).await;
        assert_eq!(reply.status, StatusCode::BAD_REQUEST, "{body}");
        assert_eq!(reply.body, r#"{"detail":"JSON parse error - Reserved member"}"#, "{body}");
    }
}

#[tokio::test]
async fn allows_only_post_and_options() {
    let site = Site::new().await;
    let app = site.app(&json!({}));
    for path in ["", "refresh/", "verify/", "blacklist/", "sliding/", "sliding/refresh/"] {
        for method in [Method::GET, Method::PUT, Method::PATCH, Method::DELETE] {
            let request = Request::builder().method(&method).uri(format!("/api/token/{path}"));
            let reply = send(&app, request.body(Body::empty()).unwrap()).await;
            assert_eq!(reply.status, StatusCode::METHOD_NOT_ALLOWED);
            let detail = format!("{{\"detail\":\"Method \\\"{method}\\\" not allowed.\"}}");
            assert_eq!(reply.body, detail);
        }
        let request = Request::builder().method(Method::OPTIONS).uri(format!("/api/token/{path}"));
        let reply = send(&app, request.body(Body::empty()).unwrap()).await;
        assert_eq!(reply.status, StatusCode::OK);
        assert_eq!(reply.json()["parses"].as_array().unwrap().len(), 3);
    }
}
