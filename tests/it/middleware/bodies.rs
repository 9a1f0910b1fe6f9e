//! Request and response bodies of any type, and the responses to rejected requests.

use std::convert::Infallible;

use axum::body::{Body, Bytes};
use http::{
    HeaderValue, Request, Response, StatusCode,
    header::{CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE},
};
use http_body_util::{BodyExt, Empty, Full, combinators::BoxBody};
use hyper::body::Incoming;
use tower::{Layer, Service, ServiceExt, service_fn};
use tower_jwt_auth::{
    AuthError, AuthErrorKind, JwtAuthLayer,
    rejection::{EmptyRejection, GrpcRejection, JsonRejection, Rejection},
};

use crate::support::{
    app::{bearer, layer, valid_token},
    slow_store::{SlowStore, Verdict},
};

const INVALID: &str =
    r#"Bearer realm="api", error="invalid_token", error_description="the token is malformed""#;

/// The response of a service with these bodies to a request with a malformed token.
async fn rejected<Q, B, R>(
    layer: JwtAuthLayer<tower_jwt_auth::token::NoClaims, R>,
    body: Q,
) -> Response<B>
where
    R: Rejection<B>,
{
    let service = layer.layer(service_fn(|_: Request<Q>| async {
        Err::<Response<B>, _>("a rejected request reached the service")
    }));
    service.oneshot(bearer("x").map(|_| body)).await.unwrap()
}

/// A body that implements neither `Default` nor `From<String>`.
#[derive(Debug, PartialEq)]
struct Opaque(u8);

fn opaque(error: &AuthError) -> Response<Opaque> {
    let mut response = Response::new(Opaque(7));
    *response.status_mut() = error.kind().status();
    response
}

#[tokio::test]
async fn json_rejection_makes_bodies_from_strings() {
    const JSON: &str = r#"{"detail":"The token is invalid.","code":"token_invalid"}"#;
    assert_eq!(rejected::<_, String, _>(layer(), String::new()).await.body(), JSON);
    assert_eq!(rejected::<_, Vec<u8>, _>(layer(), ()).await.body(), JSON.as_bytes());
    let full: Response<Full<Bytes>> = rejected(layer(), Empty::<Bytes>::new()).await;
    assert_eq!(full.headers()[CONTENT_TYPE], "application/json");
    assert_eq!(full.into_body().collect().await.unwrap().to_bytes(), JSON);
    let axum: Response<Body> = rejected(layer(), Body::empty()).await;
    assert_eq!(axum.into_body().collect().await.unwrap().to_bytes(), JSON);
}

#[tokio::test]
async fn json_rejection_makes_other_bodies_from_a_closure() {
    type Boxed = BoxBody<Bytes, Infallible>;
    let layer = layer().with_rejection(JsonRejection::with_body(|json| Full::from(json).boxed()));
    let boxed: Response<Boxed> = rejected(layer, ()).await;
    assert_eq!(boxed.status(), StatusCode::UNAUTHORIZED);
    assert_eq!(boxed.headers()[CONTENT_TYPE], "application/json");
    let body = boxed.into_body().collect().await.unwrap().to_bytes();
    assert_eq!(body, r#"{"detail":"The token is invalid.","code":"token_invalid"}"#);
}

#[tokio::test]
async fn empty_rejection_makes_empty_bodies() {
    let empty: Response<Empty<Bytes>> =
        rejected(layer().with_rejection(EmptyRejection), Full::<Bytes>::default()).await;
    assert_eq!(empty.status(), StatusCode::UNAUTHORIZED);
    assert_eq!(empty.headers()[WWW_AUTHENTICATE], INVALID);
    assert_eq!(empty.headers().len(), 1);
    let kind = empty.extensions().get().map(AuthError::kind);
    assert_eq!(kind, Some(AuthErrorKind::Malformed));
    let back = layer().with_rejection(EmptyRejection).with_rejection(JsonRejection);
    assert!(!rejected::<_, String, _>(back, ()).await.body().is_empty());
}

#[tokio::test]
async fn completes_the_headers_of_a_response_made_by_a_closure() {
    let response: Response<Opaque> = rejected(layer().with_rejection(opaque), Opaque(1)).await;
    assert_eq!((response.body(), response.status()), (&Opaque(7), StatusCode::UNAUTHORIZED));
    assert_eq!(response.headers()[WWW_AUTHENTICATE], INVALID);
    assert!(response.extensions().get::<AuthError>().is_some());

    let store = SlowStore::released(Verdict::Fails("down"));
    let layer = layer().with_rejection(opaque).with_revocation_check(store);
    let service = layer.layer(service_fn(async |_: Request<String>| {
        Ok::<_, Infallible>(Response::new(Opaque(9)))
    }));
    let response = service.oneshot(bearer(&valid_token())).await.unwrap();
    assert_eq!((response.body(), response.status()), (&Opaque(7), StatusCode::SERVICE_UNAVAILABLE));
    assert_eq!(response.headers()[RETRY_AFTER], "1");
    assert!(!response.headers().contains_key(WWW_AUTHENTICATE));
}

#[tokio::test]
async fn keeps_the_headers_that_a_closure_sets() {
    let own = |error: &AuthError| {
        let mut response = Response::new(error.to_string());
        *response.status_mut() = StatusCode::IM_A_TEAPOT;
        for value in ["Negotiate", "Basic"] {
            response.headers_mut().append(WWW_AUTHENTICATE, HeaderValue::from_static(value));
        }
        response
    };
    let response = rejected(layer().with_rejection(own), ()).await;
    assert_eq!(response.status(), StatusCode::IM_A_TEAPOT);
    assert_eq!(response.body(), "the token is malformed");
    let challenges: Vec<_> = response.headers().get_all(WWW_AUTHENTICATE).iter().collect();
    assert_eq!(challenges, ["Negotiate", "Basic"]);
}

#[tokio::test]
async fn passes_bodies_on_unchanged() {
    let service = layer().layer(service_fn(async |request: Request<Opaque>| {
        Ok::<_, Infallible>(Response::new(request.into_body().0.to_string()))
    }));
    let response = service.oneshot(bearer(&valid_token()).map(|_| Opaque(3))).await.unwrap();
    assert_eq!(response.body(), "3");
}

#[tokio::test]
async fn passes_errors_of_the_inner_service_on() {
    let service = layer().layer(service_fn(async |_: Request<()>| Err::<Response<String>, _>(7)));
    let error = service.oneshot(bearer(&valid_token()).map(drop)).await.unwrap_err();
    assert_eq!(error, 7);
}

#[test]
fn composes_with_hyper() {
    fn fits<B>(_: impl Service<Request<Incoming>, Response = Response<B>, Error = Infallible>) {}
    fits(layer().layer(service_fn(async |_: Request<Incoming>| {
        Ok::<_, Infallible>(Response::new(Full::<Bytes>::default()))
    })));
    fits(layer().with_rejection(opaque).layer(service_fn(async |_: Request<Incoming>| {
        Ok::<_, Infallible>(Response::new(Opaque(0)))
    })));
}

/// The `grpc-status` and `grpc-message` of a response.
fn grpc_status<B>(response: &Response<B>) -> (&str, &str) {
    assert_eq!(response.status(), StatusCode::OK);
    let header = |name: &str| response.headers()[name].to_str().unwrap();
    assert_eq!(header("content-type"), "application/grpc");
    (header("grpc-status"), header("grpc-message"))
}

#[tokio::test]
async fn grpc_rejection_responds_with_a_grpc_status() {
    let response: Response<Empty<Bytes>> =
        rejected(layer().with_rejection(GrpcRejection), ()).await;
    assert_eq!(grpc_status(&response), ("16", "The token is invalid."));
    assert_eq!(response.headers()[WWW_AUTHENTICATE], INVALID);
    for (kind, expected) in [
        (AuthErrorKind::InvalidRequest, "3"),
        (AuthErrorKind::MissingCredentials, "16"),
        (AuthErrorKind::Revoked, "16"),
        (AuthErrorKind::InsufficientScope, "7"),
        (AuthErrorKind::Forbidden, "7"),
        (AuthErrorKind::Unavailable, "14"),
        (AuthErrorKind::Overloaded, "14"),
        (AuthErrorKind::Misconfigured, "13"),
    ] {
        let response: Response<()> = GrpcRejection.reject(&kind.into());
        assert_eq!(grpc_status(&response), (expected, kind.detail()));
    }
}
