//! Which responses delete the access cookie.

use http::{Method, header::SET_COOKIE};
use serde_json::{Value, json};
use tower_jwt_auth::{
    AuthErrorKind::{self, *},
    Claims, JwtAuthLayer, Verifier,
    middleware::InvalidToken,
    transport::{SameSite, SessionCookies, TokenSource},
};

use crate::support::{
    app::{layer, send, token, verifier_builder},
    mint::{Minter, claims},
    python,
    slow_store::{SlowStore, Verdict},
};

use super::{ACCESS, PARSE, cookies, layer_with, request};

fn set_cookies(response: &crate::support::app::LayerResponse) -> Vec<String> {
    let lines = response.headers.get_all(SET_COOKIE).iter();
    lines.map(|line| line.to_str().unwrap().to_owned()).collect()
}

/// Values of the access cookie, the error of each, and whether the response deletes the cookie.
fn values() -> Vec<(String, AuthErrorKind, bool)> {
    let defaults = [("iss", r#""https://login.example""#), ("aud", r#""shop""#)];
    let with = |change: (&'static str, &'static str)| {
        let kept = defaults.iter().filter(|(name, _)| *name != change.0).copied();
        token(&kept.chain([change]).collect::<Vec<_>>())
    };
    let valid = with(("user_id", r#""42""#));
    let forged = valid.rsplit_once('.').unwrap().0.to_owned() + ".AAAA";
    let of_another_algorithm = Minter::hs256().mint(r#"{"alg":"ES256"}"#, claims(&defaults));
    vec![
        ("x".to_owned(), Malformed, true),
        ("\"quoted\"".to_owned(), Malformed, true),
        ("\u{e9}".to_owned(), Malformed, true),
        (format!("Bearer {valid}"), Malformed, true),
        ("%65%79".repeat(100), Malformed, true),
        ("a".repeat(100), Malformed, true),
        ("e30.".repeat(4096), TooLong, true),
        (of_another_algorithm, UnknownKey, true),
        (forged, InvalidSignature, true),
        (with(("token_type", r#""refresh""#)), WrongTokenType, true),
        (with(("iss", r#""https://evil.example""#)), WrongIssuer, true),
        (with(("aud", r#""bank""#)), WrongAudience, true),
        (with(("jti", "")), InvalidClaims, true),
        (with(("exp", "1700000000")), Expired, false),
        (with(("nbf", "1700000061")), NotYetValid, false),
        // Another route may accept it.
        (with(("user_id", r#""66""#)), CheckFailed, false),
    ]
}

fn checked_layer() -> JwtAuthLayer {
    let verifier: Verifier = verifier_builder()
        .issuer("https://login.example")
        .audience("shop")
        .check(|claims: &Claims| claims.user_id() != "66")
        .build()
        .unwrap();
    JwtAuthLayer::new(verifier).with_cookies(&cookies())
}

fn with_value(method: &Method, value: &str) -> http::Request<String> {
    let cookie = format!("{ACCESS}={value}");
    request(method, &[("cookie", &cookie), ("sec-fetch-site", "same-origin")])
}

#[tokio::test]
async fn deletes_a_cookie_whose_token_can_never_be_valid() {
    for (value, expected, is_deleted) in values() {
        for method in [Method::GET, Method::POST] {
            let response = send(&checked_layer(), with_value(&method, &value)).await;
            assert_eq!(response.outcome(), Err(expected), "{value}");
            assert_eq!(response.status.as_u16(), 401, "{value}");
            let lines = set_cookies(&response);
            assert_eq!(lines.len(), usize::from(is_deleted), "{value}: {lines:?}");
            assert!(lines.iter().all(|line| line.starts_with("__Host-access=;")), "{lines:?}");
        }
    }
}

#[tokio::test]
async fn optional_authentication_ignores_a_cookie_without_a_valid_token() {
    for (value, _, _) in values() {
        for invalid_token in [InvalidToken::Reject, InvalidToken::Ignore] {
            let layer = checked_layer().with_optional(invalid_token);
            let response = send(&layer, with_value(&Method::POST, &value)).await;
            assert_eq!(response.outcome(), Ok(""), "{value}");
            assert!(set_cookies(&response).is_empty());
        }
    }
}

#[tokio::test]
async fn keeps_the_cookie_unless_its_token_is_the_reason() {
    let valid = token(&[]);
    let with_store =
        |verdict| layer_with(&cookies()).with_revocation_check(SlowStore::released(verdict));
    let alone = format!("{ACCESS}={valid}");
    let twice = format!("{ACCESS}=x; {ACCESS}={valid}");
    let garbage = format!("{ACCESS}=x");
    let own = ("sec-fetch-site", "same-origin");
    let cases = [
        (with_store(Verdict::Revoked), vec![own, ("cookie", &*alone)], Err(Revoked)),
        (with_store(Verdict::Fails("down")), vec![own, ("cookie", &alone)], Err(Unavailable)),
        (with_store(Verdict::NotRevoked), vec![own, ("cookie", &alone)], Ok("42")),
        (layer_with(&cookies()), vec![own, ("cookie", &twice)], Err(RepeatedCookie)),
        (layer_with(&cookies()), vec![("cookie", &garbage)], Err(CrossSiteRequest)),
        (layer_with(&cookies()), vec![own], Err(MissingCredentials)),
        (layer_with(&cookies()), vec![own, ("cookie", "a=b")], Err(MissingCredentials)),
        // Credentials in a header: the cookie is not looked at.
        (
            layer_with(&cookies()),
            vec![own, ("cookie", &garbage), ("authorization", "Bearer x")],
            Err(Malformed),
        ),
        (
            layer_with(&cookies()),
            vec![own, ("cookie", &garbage), ("authorization", "Basic x")],
            Err(MissingCredentials),
        ),
        (
            layer_with(&cookies()),
            vec![own, ("cookie", &twice), ("authorization", "Bearer")],
            Err(InvalidRequest),
        ),
    ];
    for (layer, headers, expected) in cases {
        let response = send(&layer, request(&Method::POST, &headers)).await;
        assert_eq!(response.outcome(), expected, "{headers:?}");
        assert_eq!(set_cookies(&response), Vec::<String>::new(), "{headers:?}");
    }
    // The attributes of this cookie are unknown.
    let unknown = layer().with_source(TokenSource::cookie(ACCESS).unwrap());
    let response = send(&unknown, with_value(&Method::GET, "x")).await;
    assert_eq!(response.outcome(), Err(Malformed));
    assert_eq!(set_cookies(&response), Vec::<String>::new());
}

#[tokio::test]
async fn deletes_with_the_attributes_with_which_the_cookie_was_set() {
    let builder = SessionCookies::builder;
    let cleared = |name: &str, attributes: Value| {
        let mut cookie = json!({
            "name": name, "value": "", "path": "/", "samesite": "Lax", "httponly": true, "secure": true,
            "max-age": "0", "expires": "Thu, 01 Jan 1970 00:00:00 GMT",
        });
        for (key, value) in attributes.as_object().unwrap() {
            cookie[key] = value.clone();
        }
        cookie
    };
    let mut insecure = cleared("access", json!({}));
    insecure.as_object_mut().unwrap().remove("secure");
    let cases = [
        (builder(), cleared("__Host-access", json!({}))),
        (builder().access_name("sid"), cleared("sid", json!({}))),
        (
            builder().domain("app.example"),
            cleared("__Secure-access", json!({ "domain": "app.example" })),
        ),
        (builder().path("/api"), cleared("__Secure-access", json!({ "path": "/api" }))),
        (
            builder().same_site(SameSite::None),
            cleared("__Host-access", json!({ "samesite": "None" })),
        ),
        (
            builder().same_site(SameSite::Strict),
            cleared("__Host-access", json!({ "samesite": "Strict" })),
        ),
        (builder().insecure_http(true), insecure),
    ];
    let (mut lines, mut expected) = (Vec::new(), Vec::new());
    for (builder, cookie) in cases {
        let layer = layer_with(&builder.build().unwrap());
        let name = cookie["name"].as_str().unwrap();
        let header = format!("{name}=x");
        let request = request(&Method::GET, &[("cookie", &header)]);
        lines.append(&mut set_cookies(&send(&layer, request).await));
        expected.push(cookie);
    }
    assert_eq!(lines.len(), expected.len());
    if let Some(parsed) = python::run(PARSE, &json!(lines)) {
        assert_eq!(parsed, json!(expected));
    }
}

/// Sends an invalid cookie over HTTP, and returns the status and the cookies left afterwards.
const BROWSE: &str = r#"
import json, sys, urllib.error, urllib.request
from http.cookiejar import CookieJar

url, set_cookies = json.load(sys.stdin)


class Response:
    def __init__(self, lines):
        import email.message
        self.message = email.message.Message()
        for line in lines:
            self.message["Set-Cookie"] = line

    def info(self):
        return self.message


jar = CookieJar()
jar.extract_cookies(Response(set_cookies), urllib.request.Request(url))
before = sorted(cookie.name for cookie in jar)
opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(jar))
try:
    status = opener.open(url).status
except urllib.error.HTTPError as error:
    status = error.code
json.dump([before, status, sorted(cookie.name for cookie in jar)], sys.stdout)
"#;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_deletes_the_cookie_over_http() {
    let cookies = SessionCookies::builder().insecure_http(true).build().unwrap();
    let app: axum::Router = axum::Router::new()
        .route("/", axum::routing::get(|| async { "welcome" }))
        .layer(layer_with(&cookies));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, app).await });
    let set = |value: &str| {
        json!([url, [format!("access={value}; Path=/; HttpOnly"), "other=1; Path=/"]])
    };
    let inputs = [set("x"), set(&token(&[("exp", "1")])), set(&token(&[]))];
    let run = move || inputs.each_ref().map(|input| python::run(BROWSE, input));
    let [garbage, expired, valid] = tokio::task::spawn_blocking(run).await.unwrap();
    let both = ["access", "other"];
    let expected = |status: u16, left: &[&str]| json!([both, status, left]);
    if let (Some(garbage), Some(expired), Some(valid)) = (garbage, expired, valid) {
        assert_eq!(garbage, expected(401, &["other"]));
        assert_eq!(expired, expected(401, &both));
        assert_eq!(valid, expected(200, &both));
    }
}
