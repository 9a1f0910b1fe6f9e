//! Random headers.

use futures::FutureExt;
use http::{HeaderName, HeaderValue, Method, Request, StatusCode};
use proptest::{collection::vec, prelude::*, sample::select};
use tower_jwt_auth::{
    AuthErrorKind,
    middleware::{CrossSiteLayer, InvalidToken},
    transport::{SessionCookies, TokenSource},
};

use crate::support::app::{LayerResponse, layer, send_once};

use super::session_token;

const NAMES: [&str; 9] = [
    "authorization",
    "cookie",
    "host",
    "origin",
    "sec-fetch-site",
    "sec-websocket-protocol",
    "upgrade",
    "x-access-token",
    "x-csrf-token",
];

/// Parts of values that mean something somewhere.
const PARTS: [&str; 30] = [
    "{T}",
    "__Host-access=",
    "__Secure-refresh=",
    "__Host-csrf=",
    "plain=",
    "=",
    ";",
    "; ",
    ",",
    ", ",
    " ",
    "\"",
    "bearer",
    "bearer.",
    "Bearer ",
    "websocket",
    "same-origin",
    "none",
    "cross-site",
    "same-site",
    "null",
    "https://",
    "http://",
    "app.example",
    ":443",
    ":",
    "[::1]",
    "localhost",
    "%00",
    "..",
];

fn values() -> impl Strategy<Value = Vec<u8>> {
    let token = session_token();
    let part = prop_oneof![
        8 => select(&PARTS[..]).prop_map(move |part| part.replace("{T}", &token).into_bytes()),
        1 => vec(any::<u8>(), 0..4),
    ];
    vec(part, 0..7).prop_map(|parts| parts.concat())
}

fn requests() -> impl Strategy<Value = Request<String>> {
    let header = (select(&NAMES[..]), values());
    const URIS: [&str; 4] = ["/", "/?t=x", "https://app.example/", "http://[::1]:80/"];
    const METHODS: [&str; 5] = ["GET", "POST", "OPTIONS", "CONNECT", "DELETE"];
    (select(&METHODS[..]), select(&URIS[..]), vec(header, 0..7)).prop_map(
        |(method, uri, headers)| {
            let mut request = Request::new(String::new());
            *request.method_mut() = Method::from_bytes(method.as_bytes()).unwrap();
            *request.uri_mut() = uri.parse().unwrap();
            for (name, value) in headers {
                // A server passes no other values on.
                if let Ok(value) = HeaderValue::from_bytes(&value) {
                    request.headers_mut().append(HeaderName::from_static(name), value);
                }
            }
            request
        },
    )
}

fn assert_sensible(response: &LayerResponse, request: &Request<String>) {
    let status = response.status;
    match response.outcome() {
        Ok(user) => assert!(user.is_empty() || user == "42"),
        Err(kind) => assert_eq!(kind.status(), status),
    }
    let allowed =
        [StatusCode::OK, StatusCode::BAD_REQUEST, StatusCode::UNAUTHORIZED, StatusCode::FORBIDDEN];
    assert!(allowed.contains(&status), "{status}");
    // A cookie changes nothing for a request with an `Authorization` header.
    let has_header = request.headers().contains_key("authorization");
    let is_about_cookies = matches!(
        response.kind(),
        Some(AuthErrorKind::CrossSiteRequest | AuthErrorKind::RepeatedCookie)
    );
    assert!(!(has_header && (is_about_cookies || response.headers.contains_key("set-cookie"))));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1024))]

    #[test]
    fn any_headers_get_a_sensible_response(request in requests()) {
        let cookies = SessionCookies::builder()
            .double_submit(b"a secret of thirty-two bytes....".to_vec())
            .allow_origin("https://admin.example")
            .build()
            .unwrap();
        let all = layer()
            .with_additional_source(TokenSource::header(HeaderName::from_static("x-access-token")))
            .with_additional_source(TokenSource::websocket_protocol("bearer").unwrap())
            .with_additional_source(TokenSource::cookie("plain").unwrap())
            .with_additional_source(TokenSource::insecure_query("t").unwrap())
            .with_cookies(&cookies);
        let layers = [
            layer().with_cookies(&cookies),
            all.clone(),
            all.clone().with_optional(InvalidToken::Reject),
            all.with_optional(InvalidToken::Ignore),
        ];
        for layer in layers {
            assert_sensible(&send_once(&layer, request.clone()).now_or_never().unwrap(), &request);
        }
        let response = send_once(&CrossSiteLayer::new(&cookies), request.clone()).now_or_never().unwrap();
        assert_sensible(&response, &request);
    }
}
