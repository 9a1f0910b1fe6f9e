//! Session cookies (RFC 6265), and requests that other sites cause (Fetch Metadata).

mod builder;
mod clearing;
mod cross_site;
mod double_submit;
mod garbage;
mod oracle;
mod setting;
mod sources;

use http::{HeaderName, HeaderValue, Method, Request};
use tower_jwt_auth::{JwtAuthLayer, transport::SessionCookies};

use crate::support::app::{layer, token};

/// The default name of the access cookie.
const ACCESS: &str = "__Host-access";
const HOST: &str = "app.example";

fn cookies() -> SessionCookies {
    SessionCookies::builder().build().unwrap()
}

/// A layer that accepts the access cookie and a Bearer token.
fn layer_with(cookies: &SessionCookies) -> JwtAuthLayer {
    layer().with_cookies(cookies)
}

/// A request with these headers.
fn request(method: &Method, headers: &[(&str, &str)]) -> Request<String> {
    let mut request = Request::new(String::new());
    *request.method_mut() = method.clone();
    for (name, value) in headers {
        let name: HeaderName = name.parse().unwrap();
        request.headers_mut().append(name, HeaderValue::from_bytes(value.as_bytes()).unwrap());
    }
    request
}

/// Parses `Set-Cookie` headers with Python's standard library.
const PARSE: &str = r#"
import json, sys
from http.cookies import SimpleCookie

def parse(line):
    [(name, morsel)] = SimpleCookie(line).items()
    attributes = {key: value for key, value in morsel.items() if value not in ("", False)}
    return {"name": name, "value": morsel.value, **attributes}

json.dump([parse(line) for line in json.load(sys.stdin)], sys.stdout)
"#;

/// An access token of user 42 in the session `s1`.
fn session_token() -> String {
    token(&[("sid", r#""s1""#)])
}

/// The value of a `Cookie` header with the access cookie of user 42.
fn access_cookie() -> String {
    format!("{ACCESS}={}", session_token())
}
