//! Tokens in cookies, and which sites may send them. The first byte is the method, the lines are header
//! fields, and `TOKEN` stands for a valid token.

#![no_main]

use std::sync::LazyLock;

use axum::{Router, body::Body, routing::any};
use fuzz::{clock, fields, key, send, valid_token};
use http::{
    HeaderMap, Method, Request,
    header::{COOKIE, HOST, ORIGIN},
};
use libfuzzer_sys::fuzz_target;
use tower_jwt_auth::{
    Claims, JwtAuthLayer, Verifier,
    transport::{SessionCookies, TokenSource},
};

const DOUBLE_SUBMIT: &[u8] = b"a secret of the double submission";

struct Apps {
    cookie: Router,
    session: Router,
    double_submit: Router,
}

static APPS: LazyLock<Apps> = LazyLock::new(|| {
    let verifier: Verifier = Verifier::builder(key()).clock(clock()).build().unwrap();
    let layer = JwtAuthLayer::new(verifier);
    let app = |layer: JwtAuthLayer| {
        let handler = any(|claims: Claims| async move { claims.user_id().to_string() });
        Router::new().route("/", handler).layer(layer)
    };
    let session = SessionCookies::builder().access_name("access");
    let double_submit = SessionCookies::builder().access_name("access");
    let double_submit = double_submit.double_submit(DOUBLE_SUBMIT).build().unwrap();
    Apps {
        cookie: app(layer.clone().with_source(TokenSource::cookie("access").unwrap())),
        session: app(layer.clone().with_cookies(&session.build().unwrap())),
        double_submit: app(layer.with_cookies(&double_submit)),
    }
});

/// The values of the cookie `access`, split slowly.
fn access_cookies(headers: &HeaderMap) -> Vec<Vec<u8>> {
    let mut found = Vec::new();
    for line in headers.get_all(COOKIE) {
        for pair in line.as_bytes().split(|byte| *byte == b';') {
            let pair = pair.trim_ascii();
            let Some(equals) = pair.iter().position(|byte| *byte == b'=') else { continue };
            if pair[..equals] == *b"access" {
                found.push(pair[equals + 1..].to_vec());
            }
        }
    }
    found
}

/// Whether the browser reports the own site, or the `Origin` is that of `Host`.
fn is_own_site(headers: &HeaderMap) -> bool {
    let only = |name: &str| {
        let mut values = headers.get_all(name).iter();
        values.next().filter(|_| values.next().is_none()).map(|value| value.as_bytes().trim_ascii())
    };
    match only("sec-fetch-site") {
        Some(site) => [&b"same-origin"[..], b"none"].contains(&site),
        None => {
            let host = only(HOST.as_str()).unwrap_or_default();
            only(ORIGIN.as_str()).is_some_and(|origin| origin.ends_with(host) && !host.is_empty())
        }
    }
}

fuzz_target!(|input: &[u8]| {
    let [first, lines @ ..] = input else { return };
    let Some(fields) = fields(lines) else { return };
    let method = [Method::GET, Method::POST, Method::DELETE][usize::from(*first) % 3].clone();
    let request = || {
        let mut request = Request::new(Body::empty());
        *request.method_mut() = method.clone();
        for (name, value) in &fields {
            request.headers_mut().append(name, value.clone());
        }
        request
    };
    let headers = request().headers().clone();
    let Apps { cookie, session, double_submit } = &*APPS;
    for (app, has_bearer) in [(cookie, false), (session, true), (double_submit, true)] {
        let (status, body) = send(app, request());
        assert!([200, 400, 401, 403].contains(&status.as_u16()), "{status}");
        if status != 200 {
            continue;
        }
        assert!(body == b"42");
        if has_bearer && headers.contains_key("authorization") {
            continue;
        }
        assert_eq!(access_cookies(&headers), [valid_token().as_bytes()]);
        assert!(method == Method::GET || is_own_site(&headers), "{headers:?}");
    }
});
