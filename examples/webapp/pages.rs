//! The page and its files, which are part of the program.

use axum::{
    Router,
    http::{
        HeaderName, HeaderValue,
        header::{
            CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, REFERRER_POLICY,
            X_CONTENT_TYPE_OPTIONS,
        },
    },
    response::Response,
    routing::get,
};

const HTML: &str = "text/html; charset=utf-8";
const SCRIPT: &str = "text/javascript; charset=utf-8";

/// The path, type and content of each file.
const FILES: [(&str, &str, &str); 13] = [
    ("/", HTML, include_str!("static/index.html")),
    ("/static/account.js", SCRIPT, include_str!("static/account.js")),
    ("/static/api.js", SCRIPT, include_str!("static/api.js")),
    ("/static/app.js", SCRIPT, include_str!("static/app.js")),
    ("/static/guest.js", SCRIPT, include_str!("static/guest.js")),
    ("/static/notes.js", SCRIPT, include_str!("static/notes.js")),
    ("/static/password.js", SCRIPT, include_str!("static/password.js")),
    ("/static/session.js", SCRIPT, include_str!("static/session.js")),
    ("/static/sessions.js", SCRIPT, include_str!("static/sessions.js")),
    ("/static/totp.js", SCRIPT, include_str!("static/totp.js")),
    ("/static/view.js", SCRIPT, include_str!("static/view.js")),
    ("/static/style.css", "text/css; charset=utf-8", include_str!("static/style.css")),
    ("/static/icon.svg", "image/svg+xml", include_str!("static/icon.svg")),
];

/// The headers of every response. Scripts, styles and connections of this origin are allowed and
/// everything else is not, in particular inline scripts and frames.
const SECURITY_HEADERS: [(HeaderName, HeaderValue); 3] = [
    (
        CONTENT_SECURITY_POLICY,
        HeaderValue::from_static(
            "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; \
             connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
        ),
    ),
    (X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
    // `no-referrer` would make browsers send `Origin: null` with forms.
    (REFERRER_POLICY, HeaderValue::from_static("same-origin")),
];

pub(crate) fn routes<S: Clone + Send + Sync + 'static>() -> Router<S> {
    FILES.into_iter().fold(Router::new(), |router, (path, content_type, content)| {
        let headers = [(CONTENT_TYPE, content_type), (CACHE_CONTROL, "no-cache")];
        router.route(path, get(async move || (headers, content)))
    })
}

pub(crate) async fn add_security_headers(mut response: Response) -> Response {
    for (name, value) in SECURITY_HEADERS {
        // The page that shows the API has a policy of its own.
        response.headers_mut().entry(name).or_insert(value);
    }
    response
}
