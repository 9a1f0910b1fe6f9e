//! A browser with its cookies.

use std::collections::BTreeMap;

use axum::{Router, body::Body};
use http::{
    HeaderMap, HeaderName, Request,
    header::{AUTHORIZATION, CONTENT_TYPE, COOKIE, SET_COOKIE},
};
use serde_json::{Value, json};

use crate::support::{
    login::PASSWORD,
    reply::{self, Reply},
};

pub(super) const ACCESS: &str = "__Host-access";
pub(super) const REFRESH: &str = "__Secure-refresh";

/// What a `Set-Cookie` header sets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct SetCookie {
    pub(super) name: String,
    pub(super) value: String,
    /// All attributes, sorted, without `Max-Age` and `Expires`.
    pub(super) attributes: Vec<String>,
    pub(super) max_age: u64,
}

impl SetCookie {
    fn parse(header: &str) -> Self {
        let mut parts = header.split("; ");
        let (name, value) = parts.next().unwrap().split_once('=').unwrap();
        let (ages, mut attributes): (Vec<_>, Vec<_>) = parts
            .map(str::to_owned)
            .partition(|part| part.starts_with("Max-Age=") || part.starts_with("Expires="));
        attributes.sort_unstable();
        let max_age = ages.iter().find_map(|age| age.strip_prefix("Max-Age="));
        let max_age = max_age.unwrap().parse().unwrap();
        Self { name: name.to_owned(), value: value.to_owned(), attributes, max_age }
    }

    fn path(&self) -> String {
        let path = self.attributes.iter().find_map(|attribute| attribute.strip_prefix("Path="));
        path.unwrap().to_owned()
    }
}

pub(super) fn set_cookies(headers: &HeaderMap) -> Vec<SetCookie> {
    let headers = headers.get_all(SET_COOKIE).iter();
    headers.map(|header| SetCookie::parse(header.to_str().unwrap())).collect()
}

/// The names of the cookies that a response clears. It must set none.
pub(super) fn cleared(reply: &Reply) -> Vec<String> {
    let cookies = set_cookies(&reply.headers);
    assert!(cookies.iter().all(|cookie| cookie.value.is_empty() && cookie.max_age == 0));
    cookies.into_iter().map(|cookie| cookie.name).collect()
}

/// Clones have the same cookies, until one of them gets new ones.
#[derive(Clone, Default)]
pub(super) struct Browser {
    /// By name: the value and the path.
    pub(super) cookies: BTreeMap<String, (String, String)>,
    /// Headers of each request.
    pub(super) headers: HeaderMap,
}

impl Browser {
    /// A browser whose requests come from the application's own pages.
    pub(super) fn new() -> Self {
        let mut browser = Self::default();
        browser.set_header("sec-fetch-site", "same-origin");
        browser
    }

    pub(super) fn set_header(&mut self, name: &'static str, value: &str) {
        self.headers.insert(HeaderName::from_static(name), value.parse().unwrap());
    }

    pub(super) fn with_header(mut self, name: &'static str, value: &str) -> Self {
        self.set_header(name, value);
        self
    }

    pub(super) fn cookie(&self, name: &str) -> &str {
        &self.cookies[name].0
    }

    pub(super) fn set_cookie(&mut self, name: &str, value: &str) {
        self.cookies.get_mut(name).unwrap().0 = value.to_owned();
    }

    pub(super) fn without(mut self, name: &str) -> Self {
        self.cookies.remove(name);
        self
    }

    /// A request without a body, for example `GET /path`.
    pub(super) fn request(&self, line: &str) -> Request<Body> {
        let (method, path) = line.split_once(' ').unwrap();
        let mut request = Request::builder().method(method).uri(path);
        *request.headers_mut().unwrap() = self.headers.clone();
        let sent =
            self.cookies.iter().filter(|(_, (_, cookie_path))| path.starts_with(cookie_path));
        let cookies: Vec<_> = sent.map(|(name, (value, _))| format!("{name}={value}")).collect();
        if !cookies.is_empty() {
            request = request.header(COOKIE, cookies.join("; "));
        }
        request.body(Body::empty()).unwrap()
    }

    pub(super) fn request_with(&self, line: &str, body: &Value) -> Request<Body> {
        let mut request = self.request(line);
        request.headers_mut().insert(CONTENT_TYPE, "application/json".parse().unwrap());
        *request.body_mut() = body.to_string().into();
        request
    }

    pub(super) async fn send(&mut self, app: &Router, line: &str) -> Reply {
        let request = self.request(line);
        self.send_request(app, request).await
    }

    pub(super) async fn send_json(&mut self, app: &Router, line: &str, body: &Value) -> Reply {
        let request = self.request_with(line, body);
        self.send_request(app, request).await
    }

    /// Sends `request`, checks what holds for every response, and keeps the cookies.
    pub(super) async fn send_request(&mut self, app: &Router, request: Request<Body>) -> Reply {
        let reply = checked(reply::send(app, request).await);
        for cookie in set_cookies(&reply.headers) {
            let path = cookie.path();
            if cookie.max_age == 0 {
                self.cookies.remove(&cookie.name);
            } else {
                self.cookies.insert(cookie.name, (cookie.value, path));
            }
        }
        reply
    }

    pub(super) async fn log_in(&mut self, app: &Router, username: &str) -> Reply {
        let body = json!({"username": username, "password": PASSWORD});
        self.send_json(app, "POST /api/session/", &body).await
    }

    /// A browser in which user 1 is logged in.
    pub(super) async fn logged_in(app: &Router) -> Self {
        let mut browser = Self::new();
        assert_eq!(browser.log_in(app, "1").await.status, 200);
        browser
    }

    /// Whether the access cookie is accepted.
    pub(super) async fn is_logged_in(&self, app: &Router) -> bool {
        self.clone().send(app, "GET /api/session/").await.status == 200
    }
}

/// A client with a Bearer token, and possibly cookies.
pub(super) fn with_bearer(browser: &Browser, token: &str) -> Browser {
    let mut client = browser.clone();
    client.headers.insert(AUTHORIZATION, format!("Bearer {token}").parse().unwrap());
    client
}

fn checked(reply: Reply) -> Reply {
    let status = reply.status.as_u16();
    assert!(status < 500 || status == 503, "{reply:?}");
    assert_eq!(reply.header("cache-control"), ["no-store"], "{reply:?}");
    let challenges = reply.header("www-authenticate");
    let allowed = if status == 401 { 1..=1 } else { 0..=usize::from(status == 400) };
    assert!(allowed.contains(&challenges.len()), "{reply:?}");
    assert!(challenges.iter().all(|value| value.starts_with("Bearer realm=\"api\"")), "{reply:?}");
    assert_eq!(reply.header("retry-after").len(), usize::from(status == 503), "{reply:?}");
    assert_eq!(reply.header("allow").len(), usize::from(status == 405), "{reply:?}");
    if status >= 400 {
        let body = reply.json();
        assert!(body["detail"].is_string() && body["code"].is_string(), "{reply:?}");
    }
    // The start of every JWT.
    assert!(!reply.body.contains("eyJ") || reply.body.starts_with("{\"ticket\":"), "{reply:?}");
    reply
}
