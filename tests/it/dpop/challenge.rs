//! The challenges of rejected requests (RFC 9449 section 7.1).

use axum::{Router, body::Body, routing::get as route};
use http::Request;
use tower_jwt_auth::{
    Algorithm, Claims, JwtAuthLayer, Verifier, guard::RequireLayer,
    protected_resource::ProtectedResource, rejection::GrpcRejection,
};

use crate::support::{
    mint::{Minter, claims, clock},
    reply::send,
};

use super::{
    app, app_with,
    client::{Client, access_key, get, token},
    dpop, layer, send_proof,
};

const ALGS: &str = r#"algs="ES256 ES384 RS256 PS256 EdDSA Ed25519""#;

#[tokio::test]
async fn without_a_token_both_schemes_are_offered() {
    let request = Request::get("/notes").body(Body::empty()).unwrap();
    let reply = send(&app(dpop()), request).await;
    assert_eq!(
        reply.header("www-authenticate"),
        [r#"Bearer realm="api""#, &format!(r#"DPoP realm="api", {ALGS}"#)]
    );
}

#[tokio::test]
async fn errors_belong_to_the_scheme_of_the_request() {
    let (app, client) = (app(dpop()), Client::es256());
    let reply = send_proof(&app, &client.token(), "not a proof").await;
    assert_eq!(
        reply.header("www-authenticate"),
        [
            r#"Bearer realm="api""#,
            &format!(
                r#"DPoP realm="api", {ALGS}, error="invalid_dpop_proof", error_description="the DPoP proof is invalid""#
            )
        ]
    );
    let expired = Minter::hs256().token(claims(&[("exp", "1")]));
    let error = r#"error="invalid_token", error_description="the token has expired""#;
    let reply = send_proof(&app, &expired, "").await;
    assert_eq!(
        reply.header("www-authenticate"),
        [r#"Bearer realm="api""#, &format!(r#"DPoP realm="api", {ALGS}, {error}"#)]
    );
    let reply = send(&app, get("/notes", &format!("Bearer {expired}"), [])).await;
    assert_eq!(
        reply.header("www-authenticate"),
        [&*format!(r#"Bearer realm="api", {error}"#), &format!(r#"DPoP realm="api", {ALGS}"#)]
    );
}

#[tokio::test]
async fn only_dpop_is_offered_if_it_is_required() {
    let app = app(dpop().require().algorithms([Algorithm::ES256]));
    let request = Request::get("/notes").body(Body::empty()).unwrap();
    let reply = send(&app, request).await;
    assert_eq!(reply.header("www-authenticate"), [r#"DPoP realm="api", algs="ES256""#]);
    let reply = send(&app, get("/notes", &format!("Bearer {}", token("")), [])).await;
    let [challenge] = reply.header("www-authenticate")[..] else { panic!("one challenge") };
    assert!(challenge.starts_with(r#"DPoP realm="api", algs="ES256", error="invalid_token""#));
}

#[tokio::test]
async fn challenges_name_the_realm_the_scope_and_the_metadata() {
    let verifier: Verifier =
        Verifier::builder(access_key()).audience("api").clock(clock()).build().unwrap();
    let resource =
        ProtectedResource::builder("https://api.example").audience("api").build().unwrap();
    let dpop = dpop().algorithms([Algorithm::ES256]).build().unwrap();
    let new = || JwtAuthLayer::new(verifier.clone());
    let parameters = r#"scope="read", resource_metadata="https://api.example/.well-known/oauth-protected-resource""#;
    for layer in [
        new()
            .with_dpop(dpop.clone())
            .with_realm("notes")
            .unwrap()
            .with_required_scope("read")
            .unwrap()
            .with_protected_resource(&resource)
            .unwrap(),
        new()
            .with_protected_resource(&resource)
            .unwrap()
            .with_required_scope("read")
            .unwrap()
            .with_realm("notes")
            .unwrap()
            .with_dpop(dpop.clone()),
    ] {
        let request = Request::get("/notes").body(Body::empty()).unwrap();
        let reply = send(&app_with(layer), request).await;
        assert_eq!(
            reply.header("www-authenticate"),
            [
                &*format!(r#"Bearer realm="notes", {parameters}"#),
                &format!(r#"DPoP realm="notes", algs="ES256", {parameters}"#)
            ]
        );
    }
}

#[tokio::test]
async fn guards_name_the_scheme_of_the_request() {
    let client = Client::es256();
    let layer = layer().with_dpop(dpop().algorithms([Algorithm::ES256]).build().unwrap());
    let app = Router::new()
        .route("/notes", route(|_: Claims| async {}))
        .layer(RequireLayer::scope("write"))
        .layer(layer);
    let error = r#"error="insufficient_scope", error_description="the token lacks a required scope", scope="write""#;
    let bound = client.token();
    let proof = client.proof("/notes", &bound).sign();
    let reply = send_proof(&app, &bound, &proof).await;
    assert_eq!(reply.status, 403);
    assert_eq!(
        reply.header("www-authenticate"),
        [r#"Bearer realm="api""#, &format!(r#"DPoP realm="api", algs="ES256", {error}"#)]
    );
    let reply = send(&app, get("/notes", &format!("Bearer {}", token("")), [])).await;
    assert_eq!(
        reply.header("www-authenticate"),
        [&*format!(r#"Bearer realm="api", {error}"#), r#"DPoP realm="api", algs="ES256""#]
    );
}

#[tokio::test]
async fn grpc_responses_have_both_challenges() {
    let layer = layer().with_dpop(dpop().build().unwrap()).with_rejection(GrpcRejection);
    let app = Router::new().route("/notes", route(|| async {})).layer(layer);
    let reply = send_proof(&app, &Client::es256().token(), "not a proof").await;
    assert_eq!(reply.header("grpc-status"), ["16"]);
    assert_eq!(reply.header("www-authenticate").len(), 2);
}

#[tokio::test]
async fn the_metadata_lists_what_is_accepted() {
    let document = |dpop| {
        let resource =
            ProtectedResource::builder("https://api.example").dpop(&dpop).build().unwrap();
        serde_json::from_str::<serde_json::Value>(resource.metadata()).unwrap()
    };
    let accepted = document(dpop().build().unwrap());
    assert_eq!(
        accepted["dpop_signing_alg_values_supported"],
        serde_json::json!(["ES256", "ES384", "RS256", "PS256", "EdDSA", "Ed25519"])
    );
    assert_eq!(accepted["dpop_bound_access_tokens_required"], false);
    let required = document(dpop().require().algorithms([Algorithm::ES256]).build().unwrap());
    assert_eq!(required["dpop_signing_alg_values_supported"], serde_json::json!(["ES256"]));
    assert_eq!(required["dpop_bound_access_tokens_required"], true);
}
