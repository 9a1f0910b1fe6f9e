//! CORS preflight requests, which have no credentials.

use http::{
    HeaderValue, Method, Request,
    header::{ACCESS_CONTROL_REQUEST_METHOD, ORIGIN},
};
use tower_jwt_auth::{AuthErrorKind::MissingCredentials, middleware::InvalidToken};

use crate::support::{
    app::{bearer, layer, send_once, valid_token},
    log::Log,
};

const EVENT: &str = "a CORS preflight was rejected";

fn preflight(method: &Method, with_header: bool) -> Request<String> {
    let mut request = Request::new(String::new());
    *request.method_mut() = method.clone();
    let headers = request.headers_mut();
    headers.insert(ORIGIN, HeaderValue::from_static("https://app.example"));
    if with_header {
        headers.insert(ACCESS_CONTROL_REQUEST_METHOD, HeaderValue::from_static("POST"));
    }
    request
}

#[tokio::test]
async fn a_rejected_preflight_is_logged() {
    let (log, _guard) = Log::collect();
    let is_logged = || log.take().iter().any(|line| line.contains(EVENT));
    let response = send_once(&layer(), preflight(&Method::OPTIONS, true)).await;
    assert_eq!(response.outcome(), Err(MissingCredentials));
    let lines = log.take();
    let event: Vec<_> = lines.iter().filter(|line| line.contains(EVENT)).collect();
    let [event] = event[..] else { panic!("{lines:?}") };
    assert!(event.starts_with("DEBUG event ") && event.contains("around the JwtAuthLayer"));

    for (method, with_header) in [(Method::OPTIONS, false), (Method::POST, true)] {
        let response = send_once(&layer(), preflight(&method, with_header)).await;
        assert_eq!(response.outcome(), Err(MissingCredentials));
        assert!(!is_logged(), "{method}");
    }
    let optional = layer().with_optional(InvalidToken::Reject);
    assert_eq!(send_once(&optional, preflight(&Method::OPTIONS, true)).await.outcome(), Ok(""));
    assert!(!is_logged());
    let mut authenticated = preflight(&Method::OPTIONS, true);
    authenticated.headers_mut().extend(bearer(&valid_token()).headers().clone());
    assert_eq!(send_once(&layer(), authenticated).await.outcome(), Ok("42"));
    assert!(!is_logged());
}
