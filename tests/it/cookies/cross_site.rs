//! Which requests are accepted with a cookie.

use http::{Method, Request, StatusCode, header::UPGRADE};
use tower_jwt_auth::{
    AuthErrorKind::{self, CrossSiteRequest, Malformed, MissingCredentials},
    JwtAuthLayer,
    middleware::{CrossSiteLayer, InvalidToken},
    rejection::EmptyRejection,
    transport::{SessionCookies, TokenSource},
};

use crate::support::app::{layer, send, valid_token};

use super::{ACCESS, HOST, access_cookie, cookies, layer_with, request, session_token};

type Headers<'a> = &'a [(&'a str, &'a str)];

/// The headers that show who caused a request to `https://app.example`, and whether it is accepted.
const CASES: &[(Headers<'_>, bool)] = &[
    (&[("sec-fetch-site", "same-origin")], true),
    (&[("sec-fetch-site", "none")], true),
    (&[("sec-fetch-site", "same-site")], false),
    (&[("sec-fetch-site", "cross-site")], false),
    (&[("sec-fetch-site", "")], false),
    (&[("sec-fetch-site", "Same-Origin")], false),
    (&[("sec-fetch-site", "same-origin, same-origin")], false),
    (&[("sec-fetch-site", "\u{e9}")], false),
    (&[("sec-fetch-site", "same-origin"), ("sec-fetch-site", "same-origin")], false),
    (&[("sec-fetch-site", "same-origin"), ("sec-fetch-site", "cross-site")], false),
    // `Sec-Fetch-Site` decides alone. A page without a referrer sends `Origin: null` to itself.
    (&[("sec-fetch-site", "same-origin"), ("origin", "null")], true),
    (&[("sec-fetch-site", "same-origin"), ("origin", "https://evil.example")], true),
    (&[("sec-fetch-site", "cross-site"), ("origin", "https://app.example")], false),
    (&[("sec-fetch-site", "same-site"), ("origin", "https://app.example")], false),
    (&[("sec-fetch-site", "x"), ("origin", "https://app.example")], false),
    // Old browsers.
    (&[("origin", "https://app.example")], true),
    (&[("origin", "http://app.example")], false),
    (&[("origin", "https://app.example:8443")], false),
    (&[("origin", "https://evil.example")], false),
    (&[("origin", "https://sub.app.example")], false),
    (&[("origin", "https://example")], false),
    (&[("origin", "https://app.example.evil.example")], false),
    (&[("origin", "https://evilapp.example")], false),
    (&[("origin", "https://app.example@evil.example")], false),
    (&[("origin", "https://app.example/")], false),
    (&[("origin", "https://app.example https://evil.example")], false),
    (&[("origin", "app.example")], false),
    (&[("origin", "ftp://app.example")], false),
    (&[("origin", "null")], false),
    (&[("origin", "")], false),
    (&[("origin", "\u{e9}")], false),
    (&[("origin", "https://app.example"), ("origin", "https://app.example")], false),
    (&[("origin", "https://app.example"), ("origin", "https://evil.example")], false),
    // Neither header.
    (&[], false),
    (&[("referer", "https://app.example/")], false),
];

fn unsafe_methods() -> Vec<Method> {
    let methods = ["POST", "PUT", "PATCH", "DELETE", "CONNECT", "TRACE", "PROPFIND", "get"];
    methods.map(|method| Method::from_bytes(method.as_bytes()).unwrap()).into()
}

fn layers() -> [JwtAuthLayer; 4] {
    let cookies = cookies();
    let optional = |invalid_token| layer_with(&cookies).with_optional(invalid_token);
    [
        layer_with(&cookies),
        layer().with_source(TokenSource::header(UPGRADE)).with_cookies(&cookies),
        optional(InvalidToken::Reject),
        optional(InvalidToken::Ignore),
    ]
}

fn outcome_of(is_accepted: bool) -> Result<&'static str, AuthErrorKind> {
    if is_accepted { Ok("42") } else { Err(CrossSiteRequest) }
}

/// The headers of a case, with the cookie and the host.
fn with_cookie<'a>(headers: Headers<'a>, cookie: &'a str) -> Vec<(&'a str, &'a str)> {
    [headers, &[("host", HOST), ("cookie", cookie)]].concat()
}

#[tokio::test]
async fn accepts_a_cookie_only_from_its_own_origin() {
    let cookie = access_cookie();
    for layer in layers() {
        for (headers, is_accepted) in CASES {
            for method in unsafe_methods() {
                let request = request(&method, &with_cookie(headers, &cookie));
                let response = send(&layer, request).await;
                assert_eq!(response.outcome(), outcome_of(*is_accepted), "{method} {headers:?}");
            }
        }
    }
}

#[tokio::test]
async fn accepts_a_cookie_from_everywhere_for_methods_that_change_nothing() {
    let cookie = access_cookie();
    for (headers, _) in CASES {
        for method in [Method::GET, Method::HEAD, Method::OPTIONS] {
            let request = request(&method, &with_cookie(headers, &cookie));
            let response = send(&layer_with(&cookies()), request).await;
            assert_eq!(response.outcome(), Ok("42"), "{method} {headers:?}");
        }
    }
}

#[tokio::test]
async fn a_websocket_needs_its_own_origin() {
    let cookie = access_cookie();
    let layer = layer_with(&cookies());
    let upgrades =
        ["websocket", "WebSocket", "WEBSOCKET", "websocket/13", "h2c, websocket", " websocket ,x"];
    for (headers, is_accepted) in CASES {
        for upgrade in upgrades {
            let headers = [&with_cookie(headers, &cookie)[..], &[("upgrade", upgrade)]].concat();
            let response = send(&layer, request(&Method::GET, &headers)).await;
            assert_eq!(response.outcome(), outcome_of(*is_accepted), "{upgrade} {headers:?}");
        }
        // HTTP/2: RFC 8441.
        let headers = with_cookie(&headers[..], &cookie);
        let mut connect = request(&Method::CONNECT, &headers);
        *connect.uri_mut() = format!("https://{HOST}/ws").parse().unwrap();
        let response = send(&layer, connect).await;
        assert_eq!(response.outcome(), outcome_of(*is_accepted), "{headers:?}");
    }
    for upgrade in ["h2c", "websockets", ""] {
        let upgrade = [("upgrade", upgrade)];
        let headers = with_cookie(&upgrade, &cookie);
        let response = send(&layer, request(&Method::GET, &headers)).await;
        assert_eq!(response.outcome(), Ok("42"), "{upgrade:?}");
    }
}

/// Only a program that CORS permits can add these headers.
#[tokio::test]
async fn tokens_in_headers_are_accepted_from_everywhere() {
    let (cookie, bearer) = (access_cookie(), format!("Bearer {}", valid_token()));
    for (headers, _) in CASES {
        for (authorization, expected) in [
            (&*bearer, Ok("42")),
            ("Bearer x", Err(Malformed)),
            ("Basic dXNlcjpwYXNz", Err(MissingCredentials)),
        ] {
            let headers = [
                &with_cookie(headers, &cookie)[..],
                &[("authorization", authorization), ("upgrade", "websocket")],
            ]
            .concat();
            for method in [Method::POST, Method::GET] {
                let response = send(&layer_with(&cookies()), request(&method, &headers)).await;
                assert_eq!(response.outcome(), expected, "{method} {headers:?}");
            }
        }
    }
}

#[tokio::test]
async fn requests_without_a_cookie_need_no_origin() {
    for (headers, _) in CASES {
        for cookie in ["", "a=b", "__Host-access=", "access=x"] {
            let request = request(&Method::POST, &with_cookie(headers, cookie));
            let response = send(&layer_with(&cookies()), request).await;
            assert_eq!(response.outcome(), Err(MissingCredentials), "{cookie} {headers:?}");
        }
    }
}

#[tokio::test]
async fn rejects_before_the_token_is_verified() {
    for value in ["x", "\"", "x; __Host-access=y"] {
        let cookie = format!("{ACCESS}={value}");
        let headers = with_cookie(&[("sec-fetch-site", "cross-site")], &cookie);
        let response = send(&layer_with(&cookies()), request(&Method::POST, &headers)).await;
        assert_eq!(response.outcome(), Err(CrossSiteRequest), "{value}");
        assert_eq!(response.status, StatusCode::FORBIDDEN);
        let expected =
            r#"{"detail":"The request was caused by another site.","code":"cross_site_request"}"#;
        assert_eq!(response.body, expected);
        assert_eq!(response.headers.len(), 1, "{:?}", response.headers);
    }
}

/// Whether these cookies show that their application is reached by `https` is unknown.
#[tokio::test]
async fn cookies_without_settings_are_protected_too() {
    let layer = layer().with_source(TokenSource::cookie("access").unwrap());
    let cookie = format!("access={}", valid_token());
    for (headers, is_accepted) in CASES {
        let is_http = headers.contains(&("origin", "http://app.example")) && headers.len() == 1;
        let response = send(&layer, request(&Method::POST, &with_cookie(headers, &cookie))).await;
        assert_eq!(response.outcome(), outcome_of(*is_accepted || is_http), "{headers:?}");
    }
    // Beside session cookies, the settings of those apply.
    let layer = layer.with_cookies(&cookies());
    let headers = with_cookie(&[("origin", "http://app.example")], &cookie);
    let response = send(&layer, request(&Method::POST, &headers)).await;
    assert_eq!(response.outcome(), Err(CrossSiteRequest));
}

/// A request with `Origin` alone.
fn from_origin(uri: &str, host: &str, origin: &str) -> Request<String> {
    let cookie = access_cookie();
    let headers = [("origin", origin), ("cookie", &*cookie), ("host", host)];
    let headers = if host.is_empty() { &headers[..2] } else { &headers };
    let mut request = request(&Method::POST, headers);
    *request.uri_mut() = uri.parse().unwrap();
    request
}

#[tokio::test]
async fn the_own_origin_is_the_one_that_the_request_addresses() {
    let cases = [
        ("/", "app.example", "https://app.example", true),
        ("/", "app.example:8443", "https://app.example:8443", true),
        ("/", "app.example:8443", "https://app.example", false),
        ("/", "app.example:8443", "https://app.example:8444", false),
        ("/", "localhost:3000", "http://localhost:3000", true),
        ("/", "localhost:3000", "http://localhost:5173", false),
        ("/", "my.localhost:3000", "http://my.localhost:3000", true),
        ("/", "127.0.0.1:3000", "http://127.0.0.1:3000", true),
        ("/", "127.0.0.1:3000", "http://localhost:3000", false),
        ("/", "[::1]:3000", "http://[::1]:3000", true),
        ("/", "[::1]", "http://[::1]", true),
        ("/", "10.0.0.1:3000", "http://10.0.0.1:3000", false),
        ("/", "10.0.0.1:3000", "https://10.0.0.1:3000", true),
        ("/", "", "https://app.example", false),
        ("/", "\u{e9}", "https://\u{e9}", false),
        ("/", "a b", "https://a b", false),
        ("/", "app.example:", "https://app.example:", false),
        ("/", "app.example:99999", "https://app.example:99999", false),
        ("/", "[::1", "https://[::1", false),
        // The target of the request is decisive if it has a host.
        ("https://app.example/", "", "https://app.example", true),
        ("https://app.example/", "internal:80", "https://app.example", true),
        ("https://app.example/", "evil.example", "https://evil.example", false),
    ];
    let layer = layer_with(&cookies());
    for (uri, host, origin, is_accepted) in cases {
        let response = send(&layer, from_origin(uri, host, origin)).await;
        assert_eq!(response.outcome(), outcome_of(is_accepted), "{uri} {host} {origin}");
    }
    let mut repeated = from_origin("/", "app.example", "https://app.example");
    repeated.headers_mut().append("host", HOST.parse().unwrap());
    assert_eq!(send(&layer, repeated).await.outcome(), Err(CrossSiteRequest));
}

/// For proxies that replace `Host`.
#[tokio::test]
async fn the_public_origin_is_the_only_own_one() {
    for public in ["https://app.example", "https://APP.example:443"] {
        let cookies = SessionCookies::builder().public_origin(public).build().unwrap();
        let cases = [
            ("app.example", "https://app.example", true),
            ("internal:3000", "https://app.example", true),
            ("", "https://app.example", true),
            ("internal:3000", "https://internal:3000", false),
            ("app.example", "http://app.example", false),
            ("app.example", "https://app.example:8443", false),
            ("evil.example", "https://evil.example", false),
        ];
        for (host, origin, is_accepted) in cases {
            let response = send(&layer_with(&cookies), from_origin("/", host, origin)).await;
            assert_eq!(response.outcome(), outcome_of(is_accepted), "{public} {host} {origin}");
        }
    }
}

#[tokio::test]
async fn allowed_origins_are_compared_with_their_port() {
    let cookies = SessionCookies::builder()
        .allow_origin("https://Admin.example")
        .allow_origin("http://localhost:5173")
        .build()
        .unwrap();
    let cookie = access_cookie();
    let cases = [
        ("https://admin.example", true),
        ("http://localhost:5173", true),
        ("https://admin.example:8443", false),
        ("http://admin.example", false),
        ("http://localhost:5174", false),
        ("https://evil.example", false),
        ("null", false),
    ];
    for (origin, is_accepted) in cases {
        for (site, is_known) in [
            (None, true),
            (Some("same-site"), true),
            (Some("cross-site"), true),
            (Some("x"), false),
        ] {
            let headers = [("origin", origin), ("cookie", &*cookie), ("host", HOST)];
            let site = site.map(|site| ("sec-fetch-site", site));
            let headers: Vec<_> = headers.into_iter().chain(site).collect();
            let response = send(&layer_with(&cookies), request(&Method::POST, &headers)).await;
            let expected = outcome_of(is_accepted && is_known);
            assert_eq!(response.outcome(), expected, "{origin} {site:?}");
        }
    }
}

#[tokio::test]
async fn insecure_cookies_accept_http() {
    let cookies = SessionCookies::builder().insecure_http(true).build().unwrap();
    let cookie = format!("access={}", session_token());
    for (origin, is_accepted) in
        [("http://app.example", true), ("https://app.example", true), ("http://b.example", false)]
    {
        let headers = [("origin", origin), ("cookie", &*cookie), ("host", HOST)];
        let response = send(&layer_with(&cookies), request(&Method::POST, &headers)).await;
        assert_eq!(response.outcome(), outcome_of(is_accepted), "{origin}");
    }
}

#[tokio::test]
async fn a_layer_of_its_own_protects_every_route() {
    let access = access_cookie();
    let refresh = format!("__Secure-refresh={}", session_token());
    let layer = CrossSiteLayer::new(&cookies());
    for (headers, is_accepted) in CASES {
        for (cookie, is_session) in
            [(&*access, true), (&*refresh, true), ("a=b", false), ("__Host-access=", false)]
        {
            let response =
                send(&layer, request(&Method::POST, &with_cookie(headers, cookie))).await;
            let expected = if is_session && !is_accepted { Err(CrossSiteRequest) } else { Ok("") };
            assert_eq!(response.outcome(), expected, "{cookie} {headers:?}");
        }
        let with_header = [&with_cookie(headers, &access)[..], &[("authorization", "x")]].concat();
        assert_eq!(send(&layer, request(&Method::POST, &with_header)).await.outcome(), Ok(""));
        let get = request(&Method::GET, &with_cookie(headers, &access));
        assert_eq!(send(&layer, get).await.outcome(), Ok(""));
    }
    let empty = layer.with_rejection(EmptyRejection);
    let response = send(&empty, request(&Method::POST, &with_cookie(&[], &access))).await;
    assert_eq!((response.status, &*response.body), (StatusCode::FORBIDDEN, ""));
    assert!(response.headers.is_empty());
}
