//! The rule compared with the CSRF layer of tower-http. Ours may only be stricter.

use std::{collections::BTreeSet, convert::Infallible};

use http::{HeaderMap, Method, Request, Response, StatusCode};
use tower::{Layer, ServiceExt, service_fn};
use tower_http::csrf::CsrfLayer;
use tower_jwt_auth::{JwtAuthLayer, middleware::CrossSiteLayer, transport::SessionCookies};

use super::{access_cookie, layer_with, request};

const ALLOWED: &str = "https://admin.example:8443";

const METHODS: [&str; 8] =
    ["GET", "HEAD", "OPTIONS", "POST", "DELETE", "TRACE", "CONNECT", "PROPFIND"];

const SITES: &[&[&str]] = &[
    &[],
    &["same-origin"],
    &["none"],
    &["same-site"],
    &["cross-site"],
    &[""],
    &["garbage"],
    &["same-origin, cross-site"],
    &["same-origin", "same-origin"],
    &["same-origin", "cross-site"],
    &["cross-site", "same-origin"],
];

const ORIGINS: &[&[&str]] = &[
    &[],
    &[""],
    &["null"],
    &["https://app.example"],
    &["http://app.example"],
    &["https://app.example:443"],
    &["https://app.example:8443"],
    &["https://APP.example"],
    &["HTTPS://app.example"],
    &["https://app.example/"],
    &["https://app.example?"],
    &["https://user@app.example"],
    &["https://sub.app.example"],
    &["https://evil.example"],
    &["http://localhost:3000"],
    &["https://[::1]"],
    &["https://admin.example"],
    &["https://Admin.example:8443"],
    &[ALLOWED],
    &[ALLOWED, ALLOWED],
    &["https://app.example", "https://evil.example"],
    &["\u{e9}"],
];

const HOSTS: &[&[&str]] = &[
    &["app.example"],
    &[],
    &["app.example:443"],
    &["app.example:8443"],
    &["APP.example"],
    &["localhost:3000"],
    &["[::1]"],
    &["user@app.example"],
    &["app.example", "evil.example"],
    &["\u{e9}"],
];

/// Why we reject a request that tower-http accepts.
fn difference(request: &Request<String>) -> Option<&'static str> {
    let headers = request.headers();
    let values = |name: &str| -> Vec<_> { headers.get_all(name).iter().collect() };
    let (sites, origins) = (values("sec-fetch-site"), values("origin"));
    let is_safe = [Method::GET, Method::HEAD, Method::OPTIONS].contains(request.method());
    if headers.contains_key("upgrade") && is_safe {
        return Some("a WebSocket");
    }
    if sites.len() > 1 || origins.len() > 1 || values("host").len() > 1 {
        return Some("a repeated header");
    }
    match (&sites[..], &origins[..]) {
        ([], []) => Some("neither header"),
        ([site], _) if site.is_empty() => Some("an empty Sec-Fetch-Site"),
        ([site], _) if *site == "garbage" || *site == "same-origin, cross-site" => {
            Some("an unknown Sec-Fetch-Site")
        }
        (_, [origin]) if origin.is_empty() => Some("an empty Origin"),
        (_, [origin]) if *origin == "http://app.example" => Some("plain http with Secure cookies"),
        (_, [origin])
            if origin.to_str().is_ok_and(|origin| {
                origin.contains(['/', '?', '@']) && is_more_than_an_origin(origin)
            }) =>
        {
            Some("an Origin that is more than an origin")
        }
        _ => None,
    }
}

/// With a path, a user or a scheme in upper case.
fn is_more_than_an_origin(origin: &str) -> bool {
    let rest = origin.strip_prefix("https://").or(origin.strip_prefix("http://"));
    rest.is_none_or(|rest| rest.contains(['/', '?', '@']))
}

async fn status<L>(layer: &L, request: Request<String>) -> StatusCode
where
    L: Layer<
            tower::util::BoxCloneService<Request<String>, Response<String>, Infallible>,
            Service: tower::Service<
                Request<String>,
                Response = Response<String>,
                Error = Infallible,
            >,
        >,
{
    let inner = service_fn(async |_: Request<String>| Ok(Response::new(String::new())));
    let service = layer.layer(tower::util::BoxCloneService::new(inner));
    service.oneshot(request).await.unwrap().status()
}

#[tokio::test]
async fn rejects_all_that_the_layer_of_tower_http_rejects() {
    let cookies = SessionCookies::builder().allow_origin(ALLOWED).build().unwrap();
    let by_token: JwtAuthLayer = layer_with(&cookies);
    let by_cookie = CrossSiteLayer::new(&cookies);
    let oracle = CsrfLayer::new().add_trusted_origin(ALLOWED).unwrap();
    let cookie = access_cookie();
    let mut differences = BTreeSet::new();
    let mut accepted = 0;
    for request in requests(&cookie) {
        let expected = status(&oracle, request.clone()).await;
        let ours = status(&by_token, request.clone()).await;
        assert_eq!(status(&by_cookie, request.clone()).await, ours, "{request:?}");
        match (expected, ours) {
            (StatusCode::FORBIDDEN, StatusCode::FORBIDDEN) => {}
            (StatusCode::OK, StatusCode::OK) => accepted += 1,
            (StatusCode::OK, StatusCode::FORBIDDEN) => {
                let difference = difference(&request);
                differences.insert(difference.unwrap_or_else(|| panic!("{request:?}")));
            }
            _ => panic!("tower-http: {expected}, ours: {ours}: {request:?}"),
        }
    }
    assert!(accepted > 1000, "{accepted}");
    let listed = [
        "a WebSocket",
        "a repeated header",
        "an Origin that is more than an origin",
        "an empty Origin",
        "an empty Sec-Fetch-Site",
        "an unknown Sec-Fetch-Site",
        "neither header",
        "plain http with Secure cookies",
    ];
    assert_eq!(differences.into_iter().collect::<Vec<_>>(), listed);
}

/// All combinations of methods, targets and headers.
fn requests(cookie: &str) -> impl Iterator<Item = Request<String>> {
    let mut all = Vec::new();
    for method in METHODS {
        let method = Method::from_bytes(method.as_bytes()).unwrap();
        for (sites, origins, hosts) in combinations() {
            for (uri, upgrade) in [("/", false), ("/", true), ("https://app.example/", false)] {
                let mut request = request(&method, &[("cookie", cookie)]);
                *request.uri_mut() = uri.parse().unwrap();
                let headers = request.headers_mut();
                append(headers, "sec-fetch-site", sites);
                append(headers, "origin", origins);
                append(headers, "host", hosts);
                append(headers, "upgrade", if upgrade { &["websocket"] } else { &[] });
                all.push(request);
            }
        }
    }
    all.into_iter()
}

type Values = &'static [&'static str];

fn combinations() -> Vec<(Values, Values, Values)> {
    let mut all = Vec::new();
    for sites in SITES {
        for origins in ORIGINS {
            all.extend(HOSTS.iter().map(|hosts| (*sites, *origins, *hosts)));
        }
    }
    all
}

fn append(headers: &mut HeaderMap, name: &'static str, values: &[&str]) {
    for value in values {
        headers.append(
            name,
            value.parse().or(http::HeaderValue::from_bytes(value.as_bytes())).unwrap(),
        );
    }
}
