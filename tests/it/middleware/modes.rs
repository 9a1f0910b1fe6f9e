//! Required and optional authentication, and several layers around one service.

use http::{HeaderName, Request, Response};
use tower::{Layer, ServiceExt, layer::util::Stack, service_fn};
use tower_jwt_auth::{
    AuthErrorKind::{self, InvalidRequest, Malformed, MissingCredentials, Revoked, Unavailable},
    Claims, JwtAuthLayer, MemoryStore,
    guard::RequireLayer,
    middleware::InvalidToken,
    transport::TokenSource,
};

use crate::support::{
    app::{bearer, layer, request, send, token, valid_token, with_authorization},
    slow_store::{SlowStore, Verdict},
};

type Outcome = Result<&'static str, AuthErrorKind>;

const OTHER: HeaderName = HeaderName::from_static("x-access-token");

const USER_42: Outcome = Ok("42");
const NOBODY: Outcome = Ok("");

fn with_verdict(verdict: Verdict) -> impl Fn(JwtAuthLayer) -> JwtAuthLayer {
    move |layer| layer.with_revocation_check(SlowStore::released(verdict))
}

#[tokio::test]
async fn modes_decide_about_requests_without_a_valid_token() {
    let valid = format!("Bearer {}", valid_token());
    let expired = format!("Bearer {}", token(&[("exp", "1")]));
    // The field, and the outcomes if a token is required, if an invalid one is rejected, and if it is
    // ignored.
    let cases: [(&str, [Outcome; 3]); 7] = [
        (&valid, [USER_42; 3]),
        ("", [Err(MissingCredentials), NOBODY, NOBODY]),
        ("Basic dXNlcjpwYXNz", [Err(MissingCredentials), NOBODY, NOBODY]),
        ("Bearer x", [Err(Malformed), Err(Malformed), NOBODY]),
        (&expired, [Err(AuthErrorKind::Expired), Err(AuthErrorKind::Expired), NOBODY]),
        ("Bearer", [Err(InvalidRequest); 3]),
        ("Bearer a b", [Err(InvalidRequest); 3]),
    ];
    let modes = || {
        [
            layer(),
            layer().with_optional(InvalidToken::Reject),
            layer().with_optional(InvalidToken::Ignore),
        ]
        .into_iter()
    };
    for (line, expected) in cases {
        for (layer, expected) in modes().zip(expected) {
            let response = send(&layer, with_authorization(&[line])).await;
            assert_eq!(response.outcome(), expected, "{line}");
        }
    }

    // A request is not passed on while the store is unavailable.
    let cases = [
        (Verdict::NotRevoked, [USER_42; 3]),
        (Verdict::Revoked, [Err(Revoked), Err(Revoked), NOBODY]),
        (Verdict::Fails("down"), [Err(Unavailable); 3]),
    ];
    for (verdict, expected) in cases {
        for (layer, expected) in modes().map(with_verdict(verdict)).zip(expected) {
            let response = send(&layer, with_authorization(&[&valid])).await;
            assert_eq!(response.outcome(), expected);
        }
    }
    assert_eq!(InvalidToken::default(), InvalidToken::Reject);
}

#[tokio::test]
async fn calls_the_store_for_valid_tokens_only() {
    let store = SlowStore::new(Verdict::NotRevoked);
    let layer = layer().with_revocation_check(store.clone());
    for request in [request(), bearer("x"), bearer(&token(&[("exp", "1")]))] {
        assert!(send(&layer, request).await.user.is_none());
    }
    assert_eq!(store.asked(), 0);
}

/// A request with a token of user 42 in `Authorization`, and `value` in another header.
fn request_with_other(value: &str) -> Request<String> {
    let mut request = bearer(&valid_token());
    if !value.is_empty() {
        request.headers_mut().insert(OTHER, value.parse().unwrap());
    }
    request
}

#[tokio::test]
async fn the_inner_of_two_layers_decides() {
    let at_other = || layer().with_source(TokenSource::header(OTHER));
    let other = token(&[("user_id", r#""7""#)]);
    let required = [(&*other, Ok("7")), ("x", Err(Malformed)), ("", Err(MissingCredentials))];
    let optional = [(&*other, Ok("7")), ("x", NOBODY), ("", NOBODY)];
    for (inner, cases) in
        [(at_other(), required), (at_other().with_optional(InvalidToken::Ignore), optional)]
    {
        let layers = Stack::new(inner, layer());
        for (value, expected) in cases {
            let response = send(&layers, request_with_other(value)).await;
            assert_eq!(response.outcome(), expected, "{value}");
        }
    }

    // An anonymous outer layer does not affect the inner one.
    let layers = Stack::new(layer(), at_other().with_optional(InvalidToken::Reject));
    assert_eq!(send(&layers, request_with_other("")).await.outcome(), USER_42);
}

#[tokio::test]
async fn a_guard_reads_the_claims_of_the_layer_around_it() {
    let guard = RequireLayer::new(|claims: &Claims| claims.user_id() == "42");
    let anonymous = layer()
        .with_source(TokenSource::cookie("access").unwrap())
        .with_optional(InvalidToken::Reject);

    let valid = send(&Stack::new(guard.clone(), layer()), bearer(&valid_token())).await;
    assert_eq!(valid.outcome(), USER_42);
    let removed = Stack::new(guard.clone(), Stack::new(anonymous, layer()));
    let response = send(&removed, bearer(&valid_token())).await;
    assert_eq!(response.outcome(), Err(MissingCredentials));
    let outside = send(&Stack::new(layer(), guard), bearer(&valid_token())).await;
    assert_eq!(outside.outcome(), Err(AuthErrorKind::Misconfigured));
}

#[tokio::test]
async fn ignores_claims_that_are_already_in_the_extensions() {
    let stale = claims_of_a_valid_token().await;
    let mut request = request();
    request.extensions_mut().insert(stale);
    let response = send(&layer().with_optional(InvalidToken::Reject), request).await;
    assert_eq!(response.outcome(), NOBODY);
}

async fn claims_of_a_valid_token() -> Claims {
    let service = layer().layer(service_fn(|request: Request<String>| async move {
        let claims = request.extensions().get::<Claims>().unwrap().clone();
        let mut response = Response::new(String::new());
        response.extensions_mut().insert(claims);
        Ok::<_, std::convert::Infallible>(response)
    }));
    let response = service.oneshot(bearer(&valid_token())).await.unwrap();
    response.extensions().get::<Claims>().unwrap().clone()
}

#[tokio::test]
async fn a_setting_changes_one_layer_only() {
    let first = layer();
    let second = first.clone().with_realm("second").unwrap();
    let third = second
        .clone()
        .with_source(TokenSource::cookie("access").unwrap())
        .with_revocation_check(MemoryStore::new())
        .with_optional(InvalidToken::Ignore);
    let outcomes = [&first, &second, &third].map(|layer| send(layer, bearer("x")));
    let [first, second, third] = futures::future::join_all(outcomes).await.try_into().ok().unwrap();
    assert!(first.challenges()[0].starts_with(r#"Bearer realm="api", "#));
    assert!(second.challenges()[0].starts_with(r#"Bearer realm="second", "#));
    assert_eq!(third.outcome(), NOBODY);
}
