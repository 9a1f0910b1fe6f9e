//! Responses that are slow, endless, huge, compressed, or redirects.

use std::time::{Duration, Instant};

use futures::{FutureExt, future::join_all};
use http::StatusCode;
use serde_json::json;
use tower_jwt_auth::jwks::FetchErrorKind;

use super::{Fixture, UNAVAILABLE, eventually, provider_with};
use crate::support::{
    foreign::ForeignKey,
    provider::{JWKS, Provider, Response},
};

/// Twenty megabytes of spaces, compressed by `head -c 20M /dev/zero | tr '\\0' ' ' | gzip -9n`.
fn gzip_bomb() -> Vec<u8> {
    include_bytes!("../../fixtures/blanks.json.gz").to_vec()
}

async fn assert_fails(response: Response, kind: FetchErrorKind) {
    let key = ForeignKey::generate("one");
    let fixture = Fixture::with_keys(&[key.jwk()]).await;
    fixture.provider.respond(JWKS, response);
    let error = fixture.keys.refresh().await.unwrap_err();
    assert_eq!(error.kind(), kind);
    assert!(!error.to_string().is_empty() && !error.to_string().ends_with('.'));
    // The current keys stay in use.
    assert_eq!(fixture.verify(&fixture.token(&key)).await, Ok(()));
    // The next fetch succeeds.
    fixture.provider.publish(&[key.jwk()]);
    fixture.keys.refresh().await.unwrap();
}

#[tokio::test]
async fn rejects_responses_other_than_200_with_a_jwk_set() {
    let valid = json!({ "keys": [ForeignKey::generate("two").jwk()] });
    for status in [201, 202, 204, 206, 304, 400, 401, 404, 429, 500, 503] {
        let kind = FetchErrorKind::Status(StatusCode::from_u16(status).unwrap());
        let body = valid.to_string().into_bytes();
        assert_fails(Response::Complete(status, String::new(), body), kind).await;
    }
    let mut broken = valid.to_string().into_bytes();
    broken.truncate(20);
    assert_fails(Response::text(broken), FetchErrorKind::Malformed).await;
    assert_fails(Response::HangUp, FetchErrorKind::Connection).await;
    let cut = Response::Complete(200, "content-length: 9999\r\n".to_owned(), b"{}".to_vec());
    assert_fails(cut, FetchErrorKind::Connection).await;
}

#[tokio::test]
async fn redirects_are_not_followed() {
    let elsewhere = provider_with(&[ForeignKey::generate("two").jwk()]);
    for status in [301, 302, 303, 307, 308] {
        let location = format!("location: {}\r\n", elsewhere.url(JWKS));
        let kind = FetchErrorKind::Status(StatusCode::from_u16(status).unwrap());
        assert_fails(Response::Complete(status, location, Vec::new()), kind).await;
    }
    assert_eq!(elsewhere.requested_paths(), [""; 0]);
}

#[tokio::test]
async fn rejects_responses_above_256_kib() {
    let padded = |len: usize| {
        let document = json!({ "keys": [ForeignKey::generate("two").jwk()] }).to_string();
        format!("{document}{}", " ".repeat(len - document.len()))
    };
    let limit = 256 * 1024;
    assert_fails(Response::text(padded(limit + 1)), FetchErrorKind::TooLarge).await;
    assert_fails(Response::Endless(" "), FetchErrorKind::TooLarge).await;
    assert_fails(Response::Endless("{}"), FetchErrorKind::TooLarge).await;
    assert_fails(Response::EndlessHead, FetchErrorKind::Connection).await;
    let fixture = Fixture::with_keys(&[ForeignKey::generate("one").jwk()]).await;
    fixture.provider.respond(JWKS, Response::text(padded(limit)));
    fixture.keys.refresh().await.unwrap();
}

#[tokio::test]
async fn rejects_compressed_responses() {
    for encoding in ["gzip", "deflate", "br", "zstd", "x-gzip", "identity, gzip", "GZIP"] {
        let headers = format!("content-encoding: {encoding}\r\n");
        let response = Response::Complete(200, headers, gzip_bomb());
        assert_fails(response, FetchErrorKind::Encoded).await;
    }
    // Without the header, the bytes are malformed JSON.
    assert_fails(Response::text(gzip_bomb()), FetchErrorKind::Malformed).await;
    let fixture = Fixture::with_keys(&[ForeignKey::generate("one").jwk()]).await;
    for head in fixture.provider.request_heads() {
        assert!(head.contains("accept-encoding: identity\r\n"), "{head}");
    }
    let key = ForeignKey::generate("one");
    let body = json!({ "keys": [key.jwk()] });
    fixture.provider.respond(JWKS, Response::with_headers("content-encoding: identity\r\n", &body));
    fixture.keys.refresh().await.unwrap();
}

/// The deadline covers the whole response, even if bytes keep arriving.
#[tokio::test]
async fn a_slow_response_ends_at_the_deadline() {
    let stalling = Provider::start();
    stalling.respond(JWKS, Response::Stall);
    let dripping = Provider::start();
    dripping.respond(JWKS, Response::Drip(b"{\"keys\":[]}                      ".to_vec()));
    let silent = Provider::start();
    silent.hold();
    let start = Instant::now();
    let waits = [stalling, dripping, silent].map(|provider| async {
        let fixture = Fixture::with_provider(provider, |keys| keys);
        let token = fixture.token(&ForeignKey::generate("one"));
        assert_eq!(fixture.verify(&token).await, UNAVAILABLE);
        let waited = start.elapsed();
        // During the cooldown, the next request does not wait.
        assert_eq!(fixture.verify(&token).now_or_never(), Some(UNAVAILABLE));
        (waited, fixture)
    });
    for (waited, fixture) in join_all(waits).await {
        assert!(waited >= Duration::from_millis(4900), "{waited:?}");
        assert!(waited < Duration::from_secs(15), "{waited:?}");
        assert_eq!(fixture.keys.status().age, None);
    }
}

#[tokio::test]
async fn the_deadline_is_configurable() {
    let provider = Provider::start();
    provider.respond(JWKS, Response::Stall);
    let fixture = Fixture::with_provider(provider, |keys| keys.timeout(Duration::from_millis(100)));
    assert_eq!(fixture.keys.refresh().await.unwrap_err().kind(), FetchErrorKind::Timeout);
    let key = ForeignKey::generate("one");
    fixture.provider.publish(&[key.jwk()]);
    // The background task fetches them.
    eventually(Ok(()), async || {
        fixture.clock.advance(Duration::from_secs(1));
        fixture.verify_now(&fixture.token(&key))
    })
    .await;
}
