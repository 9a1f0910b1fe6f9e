//! Responses over a socket that are slow, endless, huge, compressed, or redirects.

use std::time::{Duration, Instant};

use futures::{FutureExt, future::join_all};
use http::StatusCode;
use serde_json::json;
use tower_jwt_auth::introspection::{Introspection, IntrospectionErrorKind as Kind};

use super::{TOKEN, active, auth, cause, outcome};
use crate::support::{
    mint::clock,
    provider::{Provider, Response},
};

const PATH: &str = "/introspect";

fn introspection(provider: &Provider) -> Introspection {
    Introspection::builder(provider.url(PATH), auth())
        .insecure_loopback_http()
        .clock(clock())
        .issuer("https://login.example")
        .audience("https://api.example")
        .build()
        .unwrap()
}

async fn assert_fails(response: Response, kind: Kind) {
    let provider = Provider::start();
    let introspection = introspection(&provider);
    provider.respond(PATH, response);
    assert_eq!(cause(introspection.introspect(TOKEN).await), kind);
    // The next introspection succeeds.
    provider.respond(PATH, Response::json(&active(&json!({}))));
    assert_eq!(outcome(introspection.introspect(TOKEN).await), Ok("ada".to_owned()));
}

#[tokio::test]
async fn one_post_request_carries_the_token() {
    let provider = Provider::start();
    provider.respond(PATH, Response::json(&active(&json!({}))));
    let introspection = introspection(&provider);
    assert_eq!(outcome(introspection.introspect(TOKEN).await), Ok("ada".to_owned()));
    let heads = provider.request_heads();
    assert_eq!(heads.len(), 1);
    assert!(heads[0].starts_with("POST /introspect HTTP/1.1\r\n"), "{}", heads[0]);
    assert!(heads[0].contains("authorization: Basic YXBpOnNlY3JldA==\r\n"), "{}", heads[0]);
    let body = format!("token={TOKEN}&token_type_hint=access_token");
    assert_eq!(provider.request_bodies(), [body]);
}

#[tokio::test]
async fn a_status_other_than_200_is_an_outage() {
    let body = active(&json!({})).to_string().into_bytes();
    for status in [201, 202, 204, 206, 304, 400, 401, 403, 404, 429, 500, 503] {
        let response = Response::Complete(status, String::new(), body.clone());
        assert_fails(response, Kind::Status(StatusCode::from_u16(status).unwrap())).await;
    }
    assert_fails(Response::HangUp, Kind::Connection).await;
    let cut = Response::Complete(200, "content-length: 9999\r\n".to_owned(), b"{}".to_vec());
    assert_fails(cut, Kind::Connection).await;
    assert_fails(Response::text(&body[..20]), Kind::Malformed).await;
}

/// The server at another place would receive the token and the credentials.
#[tokio::test]
async fn redirects_are_not_followed() {
    let elsewhere = Provider::start();
    elsewhere.respond(PATH, Response::json(&active(&json!({}))));
    for status in [301, 302, 303, 307, 308] {
        let location = format!("location: {}\r\n", elsewhere.url(PATH));
        let kind = Kind::Status(StatusCode::from_u16(status).unwrap());
        assert_fails(Response::Complete(status, location, Vec::new()), kind).await;
    }
    assert_eq!(elsewhere.requested_paths(), [""; 0]);
}

#[tokio::test]
async fn responses_above_256_kib_are_an_outage() {
    let padded = |len: usize| {
        let response = active(&json!({})).to_string();
        format!("{response}{}", " ".repeat(len - response.len()))
    };
    let limit = 256 * 1024;
    assert_fails(Response::text(padded(limit + 1)), Kind::TooLarge).await;
    assert_fails(Response::Endless(" "), Kind::TooLarge).await;
    assert_fails(Response::EndlessHead, Kind::Connection).await;
    let provider = Provider::start();
    provider.respond(PATH, Response::text(padded(limit)));
    let introspected = introspection(&provider).introspect(TOKEN).await;
    assert_eq!(outcome(introspected), Ok("ada".to_owned()));
}

#[tokio::test]
async fn compressed_responses_are_an_outage() {
    for encoding in ["gzip", "deflate", "br", "zstd", "identity, gzip", "GZIP"] {
        let headers = format!("content-encoding: {encoding}\r\n");
        let response = Response::with_headers(&headers, &active(&json!({})));
        assert_fails(response, Kind::Encoded).await;
    }
    // Twenty megabytes of spaces.
    let bomb = include_bytes!("../../fixtures/blanks.json.gz").to_vec();
    assert_fails(Response::text(bomb), Kind::Malformed).await;
}

#[tokio::test]
async fn other_media_types_are_an_outage() {
    let body = active(&json!({})).to_string().into_bytes();
    for media_type in [
        "text/html",
        "text/plain; charset=utf-8",
        "application/token-introspection+jwt",
        "application/jsonp",
        "application/json, text/html",
        "",
    ] {
        assert_fails(Response::Typed(media_type, body.clone()), Kind::WrongMediaType).await;
    }
    let twice = Response::with_headers("content-type: text/html\r\n", &active(&json!({})));
    assert_fails(twice, Kind::WrongMediaType).await;
    for media_type in ["application/json;charset=UTF-8", "Application/JSON ; x=y"] {
        let provider = Provider::start();
        provider.respond(PATH, Response::Typed(media_type, body.clone()));
        let introspected = introspection(&provider).introspect(TOKEN).await;
        assert_eq!(outcome(introspected), Ok("ada".to_owned()));
    }
}

/// The deadline covers the whole response, even if bytes keep arriving.
#[tokio::test]
async fn a_slow_response_ends_at_the_deadline() {
    let stalling = Provider::start();
    stalling.respond(PATH, Response::Stall);
    let dripping = Provider::start();
    dripping.respond(PATH, Response::Drip(b"{\"active\":true}                 ".to_vec()));
    let silent = Provider::start();
    silent.hold();
    let start = Instant::now();
    let waits = [stalling, dripping, silent].map(|provider| async move {
        assert_eq!(cause(introspection(&provider).introspect(TOKEN).await), Kind::Timeout);
        start.elapsed()
    });
    for waited in join_all(waits).await {
        assert!(waited >= Duration::from_millis(4900), "{waited:?}");
        assert!(waited < Duration::from_secs(15), "{waited:?}");
    }
}

#[tokio::test]
async fn the_deadline_is_configurable() {
    let provider = Provider::start();
    provider.hold();
    let introspection = Introspection::builder(provider.url(PATH), auth())
        .insecure_loopback_http()
        .timeout(Duration::from_millis(100))
        .build()
        .unwrap();
    assert_eq!(cause(introspection.introspect(TOKEN).await), Kind::Timeout);
}

#[tokio::test]
async fn recovers_when_the_server_is_back() {
    let provider = Provider::start();
    let port = provider.port();
    let introspection = introspection(&provider);
    drop(provider);
    assert_eq!(cause(introspection.introspect(TOKEN).await), Kind::Connection);
    let provider = Provider::start_on(port);
    provider.respond(PATH, Response::json(&active(&json!({}))));
    assert_eq!(outcome(introspection.introspect(TOKEN).await), Ok("ada".to_owned()));
    assert!(introspection.introspect(TOKEN).now_or_never().is_some(), "it is cached");
}
