//! Sources other than `Authorization: Bearer`, and several sources.

use http::{
    HeaderName, HeaderValue, Request,
    header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, COOKIE},
};
use tower_jwt_auth::{
    AuthErrorKind::{self, InvalidRequest, Malformed, MissingCredentials, RepeatedCookie},
    ConfigError, JwtAuthLayer,
    transport::TokenSource,
};

use crate::support::app::{layer, send, token, valid_token};

use super::{USER_42, assert_complete, assert_lines};

const OTHER: HeaderName = HeaderName::from_static("x-access-token");

fn at_cookie(name: &str) -> JwtAuthLayer {
    layer().with_source(TokenSource::cookie(name).unwrap())
}

#[tokio::test]
async fn accepts_one_cookie() {
    let cases: &[(&[&str], _)] = &[
        (&["access={T}"], USER_42),
        (&[" access={T} "], USER_42),
        (&["a=1; access={T}; b=2"], USER_42),
        (&["a=1;access={T};b=2"], USER_42),
        (&["a=1", "access={T}", "b=2"], USER_42),
        (&["a=\u{e9}; access={T}"], USER_42),
        (&["access2=x; access={T}; xaccess=y"], USER_42),
        // None, or an empty one, as after a logout.
        (&[], Err(MissingCredentials)),
        (&["access="], Err(MissingCredentials)),
        (&["access"], Err(MissingCredentials)),
        (&["access2={T}"], Err(MissingCredentials)),
        (&["xaccess={T}"], Err(MissingCredentials)),
        (&["Access={T}"], Err(MissingCredentials)),
        (&["access_={T}"], Err(MissingCredentials)),
        (&["__Host-access={T}"], Err(MissingCredentials)),
        (&["a=access={T}"], Err(MissingCredentials)),
        (&["{T}"], Err(MissingCredentials)),
        (&["; ;;=; "], Err(MissingCredentials)),
        // Duplicates, in one or several fields.
        (&["access={T}; access={T}"], Err(RepeatedCookie)),
        (&["access={T}", "access={T}"], Err(RepeatedCookie)),
        (&["access={T}; access=x"], Err(RepeatedCookie)),
        (&["access=x; access={T}"], Err(RepeatedCookie)),
        (&["access=; access={T}"], Err(RepeatedCookie)),
        (&["access={T}; a=1", "b=2; access="], Err(RepeatedCookie)),
        (&["access=; access="], Err(RepeatedCookie)),
        // Values that are not `token68`.
        (&["access=\"{T}\""], Err(Malformed)),
        (&["access= {T}"], Err(Malformed)),
        (&["access={T}, access={T}"], Err(Malformed)),
        (&["access=Bearer {T}"], Err(Malformed)),
        (&["access=%65%79"], Err(Malformed)),
        (&["access={T}\u{e9}"], Err(Malformed)),
    ];
    assert_lines(&at_cookie("access"), &COOKIE, cases).await;

    let prefixed: &[(&[&str], _)] = &[
        (&["__Host-access={T}"], USER_42),
        (&["access=x; __Host-access={T}; __Secure-access=y"], USER_42),
        (&["access={T}"], Err(MissingCredentials)),
        (&["__host-access={T}"], Err(MissingCredentials)),
    ];
    assert_lines(&at_cookie("__Host-access"), &COOKIE, prefixed).await;

    // Only the configured source is read.
    let elsewhere: &[(&[&str], _)] = &[(&["Bearer {T}"], Err(MissingCredentials))];
    assert_lines(&at_cookie("access"), &AUTHORIZATION, elsewhere).await;
    let elsewhere: &[(&[&str], _)] = &[(&["access={T}"], Err(MissingCredentials))];
    assert_lines(&layer(), &COOKIE, elsewhere).await;
}

#[tokio::test]
async fn accepts_a_token_alone_in_another_header() {
    let cases: &[(&[&str], _)] = &[
        (&["{T}"], USER_42),
        (&[], Err(MissingCredentials)),
        (&[""], Err(InvalidRequest)),
        (&["Bearer {T}"], Err(InvalidRequest)),
        (&["{T} {T}"], Err(InvalidRequest)),
        (&["{T},{T}"], Err(InvalidRequest)),
        (&["\"{T}\""], Err(InvalidRequest)),
        (&["{T}", "{T}"], Err(InvalidRequest)),
        (&["{T}", ""], Err(InvalidRequest)),
    ];
    assert_lines(&layer().with_source(TokenSource::header(OTHER)), &OTHER, cases).await;
}

#[tokio::test]
async fn accepts_other_schemes_and_headers() {
    let cases: &[(&[&str], _)] = &[
        (&["JWT {T}"], USER_42),
        (&["jwt  {T}"], USER_42),
        (&["Bearer {T}"], USER_42),
        (&["Token {T}"], Err(MissingCredentials)),
        (&["JWT"], Err(InvalidRequest)),
        (&["JWT {T}", "Bearer {T}"], Err(InvalidRequest)),
    ];
    let schemes = ["Bearer", "JWT"];
    let authorization = TokenSource::authorization(schemes).unwrap();
    assert_lines(&layer().with_source(authorization), &AUTHORIZATION, cases).await;
    let other = layer().with_source(TokenSource::credentials(OTHER, schemes).unwrap());
    assert_lines(&other, &OTHER, cases).await;
    let elsewhere: &[(&[&str], _)] = &[(&["Bearer {T}"], Err(MissingCredentials))];
    assert_lines(&other, &AUTHORIZATION, elsewhere).await;
}

#[tokio::test]
async fn reads_the_query_only_if_configured() {
    let cases: &[(&str, Result<&str, AuthErrorKind>)] = &[
        ("/?access_token={T}", USER_42),
        ("/?a=1&access_token={T}&b", USER_42),
        ("/", Err(MissingCredentials)),
        ("/?", Err(MissingCredentials)),
        ("/access_token={T}", Err(MissingCredentials)),
        ("/?access_token", Err(MissingCredentials)),
        ("/?access_tokens={T}", Err(MissingCredentials)),
        ("/?xaccess_token={T}", Err(MissingCredentials)),
        ("/?Access_Token={T}", Err(MissingCredentials)),
        ("/?a=access_token={T}", Err(MissingCredentials)),
        ("/?%61ccess_token={T}", Err(MissingCredentials)),
        ("/?a=1;access_token={T}", Err(MissingCredentials)),
        ("/?access_token=", Err(InvalidRequest)),
        ("/?access_token=%65%79", Err(InvalidRequest)),
        ("/?access_token={T}%20", Err(InvalidRequest)),
        ("/?access_token='{T}'", Err(InvalidRequest)),
        ("/?access_token=Bearer%20{T}", Err(InvalidRequest)),
        ("/?access_token={T};b=2", Err(InvalidRequest)),
        ("/?access_token={T}&access_token={T}", Err(InvalidRequest)),
        ("/?access_token={T}&access_token=", Err(InvalidRequest)),
        ("/?access_token=&a&access_token={T}", Err(InvalidRequest)),
    ];
    let configured = layer().with_source(TokenSource::insecure_query("access_token").unwrap());
    let token = valid_token();
    for (uri, expected) in cases {
        let request = || Request::get(uri.replace("{T}", &token)).body(String::new()).unwrap();
        let response = send(&configured, request()).await;
        assert_eq!(response.outcome(), *expected, "{uri}");
        assert_complete(&response, uri);
        let response = send(&layer(), request()).await;
        assert_eq!(response.outcome(), Err(MissingCredentials), "{uri}");
    }
}

#[tokio::test]
async fn never_reads_a_form() {
    let token = valid_token();
    let request = Request::post("/")
        .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
        .body(format!("access_token={token}"))
        .unwrap();
    let with_query =
        layer().with_additional_source(TokenSource::insecure_query("access_token").unwrap());
    for layer in [layer(), with_query] {
        let response = send(&layer, request.clone()).await;
        assert_eq!(response.outcome(), Err(MissingCredentials));
    }
}

#[tokio::test]
async fn rejects_tokens_in_two_places() {
    let layer = layer()
        .with_additional_source(TokenSource::header(OTHER))
        .with_additional_source(TokenSource::insecure_query("t").unwrap());
    let cases = [
        ("/", "", "", Err(MissingCredentials)),
        ("/", "Bearer {T}", "", USER_42),
        ("/", "", "{T}", USER_42),
        ("/?t={T}", "", "", USER_42),
        ("/", "Basic x", "{T}", USER_42),
        ("/", "Bearer {T}", "{T}", Err(InvalidRequest)),
        ("/", "Bearer {T}", "x", Err(InvalidRequest)),
        ("/", "Bearer x", "{T}", Err(InvalidRequest)),
        ("/", "Bearer", "{T}", Err(InvalidRequest)),
        ("/?t={T}", "Bearer {T}", "", Err(InvalidRequest)),
        ("/?t={T}", "", "{T}", Err(InvalidRequest)),
    ];
    for (uri, authorization, other, expected) in cases {
        let response = send(&layer, filled(uri, &[(AUTHORIZATION, authorization), (OTHER, other)]));
        let response = response.await;
        assert_eq!(response.outcome(), expected, "{uri} {authorization} {other}");
        assert_complete(&response, "two places");
    }
}

#[tokio::test]
async fn reads_cookies_only_if_there_are_no_other_credentials() {
    let layer = layer()
        .with_source(TokenSource::cookie("access").unwrap())
        .with_additional_source(TokenSource::bearer())
        .with_additional_source(TokenSource::credentials(OTHER, ["Token"]).unwrap())
        .with_additional_source(TokenSource::insecure_query("t").unwrap());
    let user_7 = token(&[("user_id", r#""7""#)]);
    let (authorization, other) = (AUTHORIZATION, OTHER);
    let credentials = [
        ("/", &authorization, "Bearer {T}", USER_42),
        ("/", &authorization, "Bearer x", Err(Malformed)),
        ("/", &authorization, "Bearer", Err(InvalidRequest)),
        ("/", &authorization, "\"", Err(InvalidRequest)),
        ("/", &authorization, "Basic dXNlcjpwYXNz", Err(MissingCredentials)),
        ("/", &authorization, "{T}", Err(MissingCredentials)),
        ("/", &other, "Token {T}", USER_42),
        ("/", &other, "Token x", Err(Malformed)),
        ("/", &other, "Basic dXNlcjpwYXNz", Err(MissingCredentials)),
        ("/?t={T}", &ACCEPT, "*/*", USER_42),
        ("/?t=x", &ACCEPT, "*/*", Err(Malformed)),
    ];
    let cookies =
        ["access={7}", "access=x", "access=\"", "access=", "access={7}; access={7}", "a=b"];
    for (uri, name, value, expected) in credentials {
        for cookie in cookies {
            let cookie = cookie.replace("{7}", &user_7);
            let request = filled(uri, &[(name.clone(), value), (COOKIE, &cookie)]);
            let response = send(&layer, request).await;
            assert_eq!(response.outcome(), expected, "{uri} {name} {value} {cookie}");
            assert_complete(&response, "a cookie beside other credentials");
        }
    }
    // Also by a layer that reads nothing else.
    for value in ["Bearer {T}", "Basic dXNlcjpwYXNz"] {
        let cookie = format!("access={user_7}");
        let request = filled("/", &[(AUTHORIZATION, value), (COOKIE, &cookie)]);
        let response = send(&at_cookie("access"), request).await;
        assert_eq!(response.outcome(), Err(MissingCredentials), "{value}");
    }
    // An empty header is one, too.
    let mut empty = filled("/", &[(COOKIE, &format!("access={user_7}"))]);
    empty.headers_mut().insert(AUTHORIZATION, HeaderValue::from_static(""));
    assert_eq!(send(&layer, empty).await.outcome(), Err(MissingCredentials));
    let alone = filled("/", &[(COOKIE, &format!("access={user_7}"))]);
    assert_eq!(send(&layer, alone).await.outcome(), Ok("7"));
}

#[tokio::test]
async fn rejects_tokens_in_two_cookies() {
    let layer = at_cookie("access").with_additional_source(TokenSource::cookie("other").unwrap());
    let cases: &[(&[&str], _)] = &[
        (&["access={T}"], USER_42),
        (&["other={T}"], USER_42),
        (&["access=; other={T}"], USER_42),
        (&["access={T}; other=x"], Err(InvalidRequest)),
        (&["other={T}", "access={T}"], Err(InvalidRequest)),
        (&["access={T}; other=x; other=y"], Err(RepeatedCookie)),
    ];
    assert_lines(&layer, &COOKIE, cases).await;
}

/// A request with these headers, except for empty ones, and a valid token in place of `{T}`.
fn filled(uri: &str, headers: &[(HeaderName, &str)]) -> Request<String> {
    let token = valid_token();
    let mut request = Request::get(uri.replace("{T}", &token)).body(String::new()).unwrap();
    for (name, value) in headers.iter().filter(|(_, value)| !value.is_empty()) {
        let value = HeaderValue::from_str(&value.replace("{T}", &token)).unwrap();
        request.headers_mut().insert(name, value);
    }
    request
}

#[tokio::test]
async fn ignores_duplicate_sources() {
    let schemes = |schemes: &[&'static str]| TokenSource::authorization(schemes.to_vec()).unwrap();
    let again = [
        TokenSource::bearer(),
        schemes(&["bearer"]),
        schemes(&["Bearer", "JWT"]),
        TokenSource::credentials(AUTHORIZATION, ["BEARER"]).unwrap(),
    ];
    let layer =
        again.into_iter().fold(layer(), |layer, source| layer.with_additional_source(source));
    let cases: &[(&[&str], _)] = &[
        (&["Bearer {T}"], USER_42),
        (&["JWT {T}"], USER_42),
        (&["Bearer {T}", "Bearer {T}"], Err(InvalidRequest)),
    ];
    assert_lines(&layer, &AUTHORIZATION, cases).await;
}

#[test]
fn rejects_invalid_names() {
    let assert_rejected =
        |source: Result<TokenSource, ConfigError>| assert!(source.is_err(), "{source:?}");
    for name in ["", " ", "a b", "a=b", "a;b", "a\nb", "\u{e9}", "a\0", "\"a\"", "a,b"] {
        assert_rejected(TokenSource::cookie(name));
        assert_rejected(TokenSource::insecure_query(name));
        assert_rejected(TokenSource::authorization([name]));
        assert_rejected(TokenSource::authorization(["Bearer", name]));
        assert_rejected(TokenSource::credentials(OTHER, [name]));
    }
    // Percent-encoded in a query.
    for name in ["a&b", "a%62", "a+b", "a#b"] {
        assert_rejected(TokenSource::insecure_query(name));
        assert!(TokenSource::cookie(name).is_ok(), "{name}");
    }
    assert_rejected(TokenSource::authorization::<&str>([]));
}
