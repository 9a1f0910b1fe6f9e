//! Which requests a layer accepts.

use axum::body::Body;
use http::{Method, Request};
use serde_json::json;
use tower_jwt_auth::{AuthErrorKind, Verifier, middleware::InvalidToken, transport::TokenSource};

use crate::support::{mint::clock, reply::send};

use super::{
    app, app_with, assert_accepted, assert_invalid_binding, assert_invalid_proof,
    client::{Client, PUBLIC_URL, access_key, get, token},
    dpop, layer, send_proof,
};

#[tokio::test]
async fn requires_exactly_one_proof() {
    let (app, client) = (app(dpop()), Client::es256());
    let token = client.token();
    let proofs = [(); 2].map(|()| client.proof("/notes", &token).sign());
    let dpop = format!("DPoP {token}");
    assert_invalid_proof(&send(&app, get("/notes", &dpop, [])).await, "DPoP");
    let two = proofs.iter().map(String::as_str);
    assert_invalid_proof(&send(&app, get("/notes", &dpop, two)).await, "DPoP");
    assert_accepted(&send(&app, get("/notes", &dpop, [&*proofs[0]])).await);
}

/// RFC 9449 section 7.2.
#[tokio::test]
async fn rejects_a_bound_token_as_bearer() {
    for dpop in [dpop(), dpop().require()] {
        let (app, client) = (app(dpop), Client::es256());
        let token = client.token();
        let proof = client.proof("/notes", &token).sign();
        for proofs in [vec![], vec![&*proof]] {
            let reply = send(&app, get("/notes", &format!("Bearer {token}"), proofs)).await;
            assert_eq!(
                (reply.status.as_u16(), &reply.json()["code"]),
                (401, &"token_invalid".into())
            );
        }
    }
}

#[tokio::test]
async fn rejects_a_bound_token_in_other_places() {
    let client = Client::es256();
    let layer = layer()
        .with_additional_source(TokenSource::cookie("access").unwrap())
        .with_additional_source(TokenSource::insecure_query("access").unwrap())
        .with_dpop(dpop().build().unwrap());
    let (app, token) = (app_with(layer), client.token());
    let cookie = Request::get("/notes").header("cookie", format!("access={token}"));
    let query = Request::get(format!("/notes?access={token}"));
    for request in [cookie, query] {
        let request = request.header("dpop", client.proof("/notes", &token).sign());
        let reply = send(&app, request.body(Body::empty()).unwrap()).await;
        assert_invalid_binding(&reply, "sent with the scheme DPoP");
    }
}

#[tokio::test]
async fn rejects_tokens_in_two_places() {
    let client = Client::es256();
    let layer = layer()
        .with_additional_source(TokenSource::insecure_query("access").unwrap())
        .with_dpop(dpop().build().unwrap());
    let token = client.token();
    let path = format!("/notes?access={}", super::client::token(""));
    let proof = client.proof("/notes", &token).sign();
    let request = get(&path, &format!("DPoP {token}"), [&*proof]);
    assert_eq!(send(&app_with(layer), request).await.status, 400);
}

#[tokio::test]
async fn rejects_an_unbound_token_with_the_scheme_dpop() {
    let (app, client, token) = (app(dpop()), Client::es256(), token(""));
    let proof = client.proof("/notes", &token).sign();
    assert_invalid_binding(
        &send_proof(&app, &token, &proof).await,
        "bound to the key of the proof",
    );
}

#[tokio::test]
async fn the_proof_of_an_unbound_bearer_token_is_ignored() {
    let (app, client, token) = (app(dpop()), Client::es256(), token(""));
    let bearer = format!("Bearer {token}");
    let proof = client.proof("/other", &token).sign();
    for proofs in [vec![], vec![&*proof], vec!["not a proof", &*proof]] {
        assert_accepted(&send(&app, get("/notes", &bearer, proofs)).await);
    }
}

#[tokio::test]
async fn unbound_tokens_are_rejected_if_bound_ones_are_required() {
    let (app, client, token) = (app(dpop().require()), Client::es256(), token(""));
    let proof = client.proof("/notes", &token).sign();
    for proofs in [vec![], vec![&*proof]] {
        let reply = send(&app, get("/notes", &format!("Bearer {token}"), proofs)).await;
        assert_invalid_binding(&reply, "bound to a key and sent with the scheme DPoP");
    }
    assert_invalid_binding(
        &send_proof(&app, &token, &proof).await,
        "bound to the key of the proof",
    );
    let token = client.token();
    let proof = client.proof("/notes", &token).sign();
    assert_accepted(&send_proof(&app, &token, &proof).await);
}

#[tokio::test]
async fn a_layer_without_dpop_rejects_bound_tokens() {
    let (app, client) = (app_with(layer()), Client::es256());
    let token = client.token();
    let reply = send(&app, get("/notes", &format!("Bearer {token}"), [])).await;
    assert_invalid_binding(&reply, "not bound to a key");
    let proof = client.proof("/notes", &token).sign();
    let reply = send_proof(&app, &token, &proof).await;
    assert_eq!(reply.json()["code"], "not_authenticated");
    let verifier: Verifier = Verifier::builder(access_key()).clock(clock()).build().unwrap();
    assert_eq!(verifier.verify(&token).unwrap_err().member(), Some("cnf"));
    assert_eq!(verifier.verify_async(&token).await.unwrap_err().member(), Some("cnf"));
}

#[tokio::test]
async fn rejects_malformed_bindings() {
    let (app, client) = (app(dpop()), Client::es256());
    for cnf in [
        "{}".to_owned(),
        "null".to_owned(),
        r#""key""#.to_owned(),
        r#"{"jkt":7}"#.to_owned(),
        r#"{"jkt":""}"#.to_owned(),
        r#"{"jkt":null}"#.to_owned(),
        format!(r#"{{"jkt":"{}="}}"#, client.jkt),
        format!(r#"{{"jkt":["{}"]}}"#, client.jkt),
        // A derived `Deserialize` would accept the members in order.
        format!(r#"["{}",null]"#, client.jkt),
        format!(r#"{{"jkt":"{0}","jkt":"{0}"}}"#, client.jkt),
        json!({ "jwk": client.jwk }).to_string(),
        r#"{"kid":"key"}"#.to_owned(),
    ] {
        let token = token(&cnf);
        let proof = client.proof("/notes", &token).sign();
        let rule = "expected the thumbprint of a key or of a certificate";
        assert_invalid_binding(&send_proof(&app, &token, &proof).await, rule);
    }
    // Other members are ignored: RFC 7800 section 3.1.
    let token = token(&json!({ "jkt": client.jkt, "other": {} }).to_string());
    let proof = client.proof("/notes", &token).sign();
    assert_accepted(&send_proof(&app, &token, &proof).await);
}

#[tokio::test]
async fn the_scheme_is_compared_without_case() {
    let (app, client) = (app(dpop()), Client::es256());
    for scheme in ["DPoP", "dpop", "DPOP"] {
        let token = client.token();
        let proof = client.proof("/notes", &token).sign();
        let reply = send(&app, get("/notes", &format!("{scheme} {token}"), [&*proof])).await;
        assert_accepted(&reply);
    }
}

#[tokio::test]
async fn invalid_tokens_are_rejected_as_without_dpop() {
    let (app, client) = (app(dpop()), Client::es256());
    let token = client.token();
    let (forged, _) = token.rsplit_once('.').unwrap();
    for (token, status) in
        [("", 400), ("a b", 400), ("garbage", 401), (&*format!("{forged}.AA"), 401)]
    {
        let proof = client.proof("/notes", token).sign();
        assert_eq!(send_proof(&app, token, &proof).await.status, status, "{token}");
    }
    // The start shows that it is no JWT, so the length does not matter.
    let garbage = "x".repeat(20_000);
    let reply = send_proof(&app, &garbage, "proof").await;
    assert_eq!(reply.error.unwrap().kind(), AuthErrorKind::Malformed);
}

/// Nested routers of axum remove the beginning of the path, and so do proxies.
#[tokio::test]
async fn the_url_is_that_which_the_client_knows() {
    let client = Client::es256();
    let inner = app(dpop());
    let token = client.token();
    let dpop = format!("DPoP {token}");
    let nested = client.proof("/nested/notes", &token).sign();
    assert_accepted(&send(&inner, get("/nested/notes", &dpop, [&*nested])).await);
    let stripped = client.proof("/notes", &token).sign();
    let reply = send(&inner, get("/nested/notes", &dpop, [&*stripped])).await;
    assert_invalid_proof(&reply, "htu");

    let behind_proxy = tower_jwt_auth::possession::Dpop::builder(format!("{PUBLIC_URL}/v1/"))
        .store(tower_jwt_auth::MemoryStore::new())
        .clock(clock());
    let app = app(behind_proxy);
    let proof = client.proof("/v1/notes", &token).sign();
    assert_accepted(&send(&app, get("/notes", &dpop, [&*proof])).await);
    let proof = client.proof("/notes", &token).sign();
    assert_invalid_proof(&send(&app, get("/notes", &dpop, [&*proof])).await, "htu");
}

#[tokio::test]
async fn the_host_header_does_not_matter() {
    let (app, client) = (app(dpop()), Client::es256());
    let token = client.token();
    for (url, is_accepted) in
        [("https://evil.example/notes", false), ("https://api.example/notes", true)]
    {
        let proof = client.proof("/notes", &token).claim("htu", url).sign();
        let request = Request::get("https://evil.example/notes?page=1")
            .header("host", "evil.example")
            .header("x-forwarded-host", "evil.example")
            .header("authorization", format!("DPoP {token}"))
            .header("dpop", proof);
        let reply = send(&app, request.body(Body::empty()).unwrap()).await;
        if is_accepted { assert_accepted(&reply) } else { assert_invalid_proof(&reply, "htu") }
    }
}

#[tokio::test]
async fn a_proof_for_another_method_is_rejected() {
    let (app, client) = (app(dpop()), Client::es256());
    let token = client.token();
    let mut request =
        get("/notes", &format!("DPoP {token}"), [&*client.proof("/notes", &token).sign()]);
    *request.method_mut() = Method::DELETE;
    assert_invalid_proof(&send(&app, request).await, "htm");
}

#[tokio::test]
async fn optional_authentication_follows_its_setting() {
    let client = Client::es256();
    let token = client.token();
    for (setting, status) in [(InvalidToken::Reject, 401), (InvalidToken::Ignore, 200)] {
        let layer = layer().with_optional(setting).with_dpop(dpop().build().unwrap());
        let handler = |claims: Option<tower_jwt_auth::Claims>| async move {
            claims.map_or("nobody".to_owned(), |claims| claims.user_id().to_string())
        };
        let app = axum::Router::new().route("/notes", axum::routing::get(handler)).layer(layer);
        let reply = send_proof(&app, &token, "not a proof").await;
        assert_eq!(reply.status, status);
        assert!(!reply.body.contains("42"));
        let proof = client.proof("/notes", &token).sign();
        assert_accepted(&send_proof(&app, &token, &proof).await);
    }
}

#[tokio::test]
async fn other_sources_can_be_set_before_and_after() {
    let client = Client::es256();
    let source = || TokenSource::authorization(["Token", "DPoP"]).unwrap();
    for layer in [
        layer().with_source(source()).with_dpop(dpop().build().unwrap()),
        layer().with_dpop(dpop().build().unwrap()).with_source(source()),
    ] {
        let (app, bound) = (app_with(layer), client.token());
        let proof = client.proof("/notes", &bound).sign();
        assert_accepted(&send_proof(&app, &bound, &proof).await);
        let reply = send(&app, get("/notes", &format!("Token {}", token("")), [])).await;
        assert_accepted(&reply);
    }
}
