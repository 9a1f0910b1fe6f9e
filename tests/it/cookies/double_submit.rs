//! The signed token for browsers that send neither `Sec-Fetch-Site` nor `Origin`.

use aws_lc_rs::hmac;
use http::Method;
use tower_jwt_auth::{
    AuthErrorKind::{self, CrossSiteRequest, Expired, MissingCredentials},
    middleware::CrossSiteLayer,
    transport::SessionCookies,
};

use crate::support::app::{send, token};

use super::{ACCESS, layer_with, request, session_token};

const SECRET: &[u8] = b"a secret of thirty-two bytes....";

fn cookies() -> SessionCookies {
    SessionCookies::builder().double_submit(SECRET).build().unwrap()
}

/// The token of a session.
fn csrf(secret: &[u8], session_id: &str) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret);
    let message = format!("tower-jwt-auth double-submit token\0{session_id}");
    let tag = hmac::sign(&key, message.as_bytes());
    tag.as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The outcome of a `POST` with these cookies and further headers.
async fn post(cookie: &str, headers: &[(&str, &str)]) -> Result<String, AuthErrorKind> {
    let headers = [headers, &[("cookie", cookie)]].concat();
    let request = request(&Method::POST, &headers);
    let response = send(&layer_with(&cookies()), request.clone()).await;
    let is_cross_site = response.kind() == Some(CrossSiteRequest);
    let alone = send(&CrossSiteLayer::new(&cookies()), request).await;
    assert_eq!(alone.kind() == Some(CrossSiteRequest), is_cross_site, "{cookie} {headers:?}");
    response.outcome().map(str::to_owned)
}

#[tokio::test]
async fn accepts_the_token_of_the_session_only() {
    let access = format!("{ACCESS}={}", session_token());
    let valid = csrf(SECRET, "s1");
    let both = |token: &str| (format!("{access}; __Host-csrf={token}"), token.to_owned());
    let accepted = Ok("42".to_owned());
    let rejected = Err(CrossSiteRequest);
    let other_secret = csrf(b"another secret of 32 bytes......", "s1");
    let changed = valid.replace(|digit| digit != '0', "0");
    let cases = [
        (both(&valid), accepted.clone()),
        (both(&csrf(SECRET, "s2")), rejected.clone()),
        (both(&csrf(SECRET, "")), rejected.clone()),
        (both(&other_secret), rejected.clone()),
        (both(&changed), rejected.clone()),
        (both(&valid.to_uppercase()), rejected.clone()),
        (both(&valid[..32]), rejected.clone()),
        (both("x"), rejected.clone()),
        (both(""), rejected.clone()),
        // Another site can set neither alone: it knows no token of the session.
        ((access.clone(), valid.clone()), rejected.clone()),
        ((format!("{access}; __Host-csrf={valid}"), csrf(SECRET, "s2")), rejected.clone()),
        ((format!("{access}; __Host-csrf=x"), valid.clone()), rejected.clone()),
        ((format!("{access}; csrf={valid}"), valid.clone()), rejected.clone()),
        (
            (format!("{access}; __Host-csrf={valid}; __Host-csrf={valid}"), valid.clone()),
            rejected.clone(),
        ),
    ];
    for ((cookie, header), expected) in cases {
        let outcome = post(&cookie, &[("x-csrf-token", &header)]).await;
        assert_eq!(outcome, expected, "{cookie} {header}");
    }
    let (cookie, _) = both(&valid);
    assert_eq!(post(&cookie, &[]).await, rejected);
    let twice = [("x-csrf-token", &*valid), ("x-csrf-token", &*valid)];
    assert_eq!(post(&cookie, &twice).await, rejected);
}

#[tokio::test]
async fn stands_in_only_for_missing_headers() {
    let valid = csrf(SECRET, "s1");
    let cookie = format!("{ACCESS}={}; __Host-csrf={valid}", session_token());
    let headers = [
        ("sec-fetch-site", "cross-site"),
        ("sec-fetch-site", "same-site"),
        ("sec-fetch-site", ""),
        ("origin", "https://evil.example"),
        ("origin", "null"),
        ("origin", ""),
    ];
    for header in headers {
        let outcome = post(&cookie, &[("x-csrf-token", &valid), header]).await;
        assert_eq!(outcome, Err(CrossSiteRequest), "{header:?}");
    }
    let same_origin = [("sec-fetch-site", "same-origin")];
    assert_eq!(post(&cookie, &same_origin).await, Ok("42".to_owned()));
}

#[tokio::test]
async fn belongs_to_the_session_of_each_cookie() {
    let (valid, other) = (csrf(SECRET, "s1"), token(&[("sid", r#""s2""#)]));
    let with = |access: &str, refresh: &str| {
        format!("{ACCESS}={access}; __Secure-refresh={refresh}; __Host-csrf={valid}")
    };
    let header = [("x-csrf-token", &*valid)];
    let own = session_token();
    let expired = token(&[("sid", r#""s1""#), ("exp", "1")]);
    let without_session = token(&[]);
    let cases = [
        (with(&own, &own), Ok("42".to_owned())),
        (with(&own, "x"), Ok("42".to_owned())),
        (with(&own, &other), Err(CrossSiteRequest)),
        (with(&other, &own), Err(CrossSiteRequest)),
        (with(&without_session, ""), Err(CrossSiteRequest)),
        (with("x", ""), Err(CrossSiteRequest)),
        // The page can refresh an expired token.
        (with(&expired, ""), Err(Expired)),
        (with("", &own), Err(MissingCredentials)),
    ];
    for (cookie, expected) in cases {
        assert_eq!(post(&cookie, &header).await, expected, "{cookie}");
    }
}
