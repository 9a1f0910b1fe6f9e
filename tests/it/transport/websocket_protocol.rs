//! `Sec-WebSocket-Protocol`, for browsers, whose `WebSocket` cannot set other headers.

use std::{convert::Infallible, sync::Mutex};

use http::{
    HeaderValue, Method, Request, Response,
    header::{AUTHORIZATION, COOKIE, ORIGIN, SEC_WEBSOCKET_PROTOCOL, UPGRADE},
};
use tower::{Layer, ServiceExt, service_fn};
use tower_jwt_auth::{
    AuthErrorKind::{self, InvalidRequest, Malformed, MissingCredentials},
    ConfigErrorKind, JwtAuthLayer,
    middleware::InvalidToken,
    transport::TokenSource,
};

use crate::support::{
    app::{layer, send, token, valid_token, with_lines},
    slow_store::{SlowStore, Verdict},
};

use super::{USER_42, assert_lines};

fn at_protocol(name: &str) -> JwtAuthLayer {
    layer().with_source(TokenSource::websocket_protocol(name).unwrap())
}

#[tokio::test]
async fn accepts_one_token_in_the_list() {
    let cases: &[(&[&str], _)] = &[
        (&["bearer, {T}"], USER_42),
        (&["bearer,{T}"], USER_42),
        (&["bearer , {T} , chat"], USER_42),
        (&["chat, bearer, {T}"], USER_42),
        (&["chat", "bearer", "{T}"], USER_42),
        (&["bearer.{T}"], USER_42),
        (&["chat, bearer.{T}"], USER_42),
        (&["bearer, , {T}"], USER_42),
        (&[], Err(MissingCredentials)),
        (&[""], Err(MissingCredentials)),
        (&["chat"], Err(MissingCredentials)),
        (&["{T}"], Err(MissingCredentials)),
        (&["Bearer, {T}"], Err(MissingCredentials)),
        (&["bearers, {T}"], Err(MissingCredentials)),
        (&["xbearer.{T}"], Err(MissingCredentials)),
        (&["bearer {T}"], Err(MissingCredentials)),
        (&["bearer"], Err(InvalidRequest)),
        (&["chat, bearer"], Err(InvalidRequest)),
        (&["bearer, {T}, bearer, {T}"], Err(InvalidRequest)),
        (&["bearer, bearer, {T}"], Err(InvalidRequest)),
        (&["bearer, {T}, bearer.{T}"], Err(InvalidRequest)),
        (&["bearer.{T}, bearer.{T}"], Err(InvalidRequest)),
        (&["bearer, a b"], Err(InvalidRequest)),
        (&["bearer."], Err(InvalidRequest)),
        (&["bearer, chat"], Err(Malformed)),
        (&["bearer.chat"], Err(Malformed)),
    ];
    assert_lines(&at_protocol("bearer"), &SEC_WEBSOCKET_PROTOCOL, cases).await;
    let prefixed: &[(&[&str], _)] = &[
        (&["chat, v1.auth.example.{T}"], USER_42),
        (&["v1.auth.example, {T}"], USER_42),
        (&["bearer, {T}"], Err(MissingCredentials)),
    ];
    assert_lines(&at_protocol("v1.auth.example"), &SEC_WEBSOCKET_PROTOCOL, prefixed).await;
    let elsewhere: &[(&[&str], _)] = &[(&["bearer, {T}"], Err(MissingCredentials))];
    assert_lines(&layer(), &SEC_WEBSOCKET_PROTOCOL, elsewhere).await;
}

/// The protocols that the inner service sees, one string for each field.
async fn passed_on(layer: &JwtAuthLayer, lines: &[&str]) -> Result<Vec<String>, AuthErrorKind> {
    let seen = Mutex::new(None);
    let service = layer.layer(service_fn(|request: Request<String>| {
        let lines = request.headers().get_all(SEC_WEBSOCKET_PROTOCOL).iter();
        let lines: Vec<_> = lines.map(|line| line.to_str().unwrap().to_owned()).collect();
        *seen.lock().unwrap() = Some(lines);
        std::future::ready(Ok::<_, Infallible>(Response::new(String::new())))
    }));
    let response = service.oneshot(with_lines(&SEC_WEBSOCKET_PROTOCOL, lines)).await.unwrap();
    let kind = response.extensions().get().map(tower_jwt_auth::AuthError::kind);
    kind.map_or_else(|| Ok(seen.lock().unwrap().take().unwrap()), Err)
}

#[tokio::test]
async fn the_inner_service_never_sees_the_token() {
    let (valid, expired) = (valid_token(), token(&[("exp", "1")]));
    let waiting =
        at_protocol("bearer").with_revocation_check(SlowStore::released(Verdict::NotRevoked));
    let ignoring = at_protocol("bearer").with_optional(InvalidToken::Ignore);
    let both = at_protocol("bearer")
        .with_additional_source(TokenSource::websocket_protocol("jwt").unwrap());
    let cases: &[(&[&str], &[&str])] = &[
        (&["bearer, {T}"], &["bearer"]),
        (&["bearer, {T}, chat"], &["bearer, chat"]),
        (&["chat", "bearer", "{T}", "v2"], &["chat, bearer, v2"]),
        (&["bearer.{T}"], &[]),
        (&["chat, bearer.{T}, v2"], &["chat, v2"]),
    ];
    for (lines, expected) in cases {
        for (layer, token) in [
            (at_protocol("bearer"), &valid),
            (waiting.clone(), &valid),
            (ignoring.clone(), &valid),
            (ignoring.clone(), &expired),
            (both.clone(), &valid),
        ] {
            let lines: Vec<_> = lines.iter().map(|line| line.replace("{T}", token)).collect();
            let lines: Vec<_> = lines.iter().map(String::as_str).collect();
            assert_eq!(passed_on(&layer, &lines).await.unwrap(), *expected, "{lines:?}");
        }
    }
    // Without a token, the list stays as it is.
    for layer in [&ignoring, &layer().with_optional(InvalidToken::Reject)] {
        let lines = ["chat,v2", "v3"];
        let seen = passed_on(layer, &lines).await.unwrap();
        assert_eq!(seen.join(", ").replace(", ", ","), "chat,v2,v3");
    }
}

#[tokio::test]
async fn the_token_in_the_list_replaces_the_cookie() {
    let layer = at_protocol("bearer")
        .with_additional_source(TokenSource::bearer())
        .with_additional_source(TokenSource::cookie("access").unwrap());
    let request = |protocols: &str, cookie: &str, origin: &'static str| {
        let mut request = Request::new(String::new());
        *request.method_mut() = Method::GET;
        let headers = request.headers_mut();
        headers.insert(UPGRADE, HeaderValue::from_static("websocket"));
        headers.insert(ORIGIN, HeaderValue::from_static(origin));
        headers.insert(http::header::HOST, HeaderValue::from_static("app.example"));
        headers.insert(SEC_WEBSOCKET_PROTOCOL, protocols.parse().unwrap());
        headers.insert(COOKIE, cookie.parse().unwrap());
        request
    };
    let (own, other) = ("https://app.example", "https://evil.example");
    let cookie = format!("access={}", token(&[("user_id", r#""7""#)]));
    let protocols = format!("bearer, {}", valid_token());
    let cases = [
        (&*protocols, &*cookie, own, USER_42),
        (&protocols, &cookie, other, USER_42),
        (&protocols, "access=x; access=y", other, USER_42),
        ("bearer, x", &cookie, own, Err(Malformed)),
        // Without a token in the list, the cookie needs its own origin.
        ("chat", &cookie, own, Ok("7")),
        ("chat", &cookie, other, Err(AuthErrorKind::CrossSiteRequest)),
    ];
    for (protocols, cookie, origin, expected) in cases {
        let response = send(&layer, request(protocols, cookie, origin)).await;
        assert_eq!(response.outcome(), expected, "{protocols} {cookie} {origin}");
    }
    let mut two = request(&protocols, &cookie, own);
    let bearer = format!("Bearer {}", valid_token()).parse().unwrap();
    two.headers_mut().insert(AUTHORIZATION, bearer);
    assert_eq!(send(&layer, two).await.outcome(), Err(InvalidRequest));
}

#[test]
fn rejects_names_that_are_not_protocols() {
    for name in ["", " ", "a b", "a,b", "a\n", "\u{e9}", "\"a\""] {
        let error = TokenSource::websocket_protocol(name).unwrap_err();
        assert_eq!(error.kind(), ConfigErrorKind::OutOfRange, "{name}");
    }
}
