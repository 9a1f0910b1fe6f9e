use serde_json::{Value, json};
use tower_jwt_auth::{
    Verifier,
    provider::okta::AuthorizationServer,
    token::{ClaimNames, VerifierBuilder},
};

use super::{Documents, Key, NOW, OPAQUE, accept, changed, rejection};
use crate::support::mint::clock;

const ISSUER: &str = "https://shop.okta.com/oauth2/default";
const API: &str = "api://default";

fn key() -> Key {
    Key::rs256("3RB7EjgCUzEbMFgJqFfcnNwN0Y0M7oW9oGqB5nSg4vM")
}

fn builder() -> VerifierBuilder {
    let server = AuthorizationServer::new("https://shop.okta.com/", "default");
    let documents = Documents::of_issuer(ISSUER, &format!("{ISSUER}/v1/keys"), &key());
    let keys = server.keys().client(documents).clock(clock()).build().unwrap();
    server.verifier(&keys, API).clock(clock())
}

fn verifier() -> Verifier {
    builder().build().unwrap()
}

/// The header of Okta has no `typ`.
fn sign(claims: &Value) -> String {
    key().sign_as(&json!({}), claims)
}

fn access_token() -> Value {
    json!({
        "ver": 1, "jti": "AT.0mP4JKAZX1iACIT4vbEDF7LpvDVjxypPMf0D7uX39RE", "iss": ISSUER,
        "aud": API, "sub": "ada@shop.example", "iat": NOW, "exp": NOW + 3600,
        "cid": "0oabucvyc38HLL1ef0h7", "uid": "00uid4BxXw6I6TV4m0g3",
        "scp": ["openid", "orders.read"], "auth_time": NOW - 60,
    })
}

fn id_token() -> Value {
    json!({
        "ver": 1, "jti": "ID.ewMNfSvcpuqyS93OgVeCN3F2LseqROkyYjz7DNb9yhs", "iss": ISSUER,
        "aud": "0oabucvyc38HLL1ef0h7", "sub": "00uid4BxXw6I6TV4m0g3", "iat": NOW, "exp": NOW + 3600,
        "amr": ["pwd"], "idp": "00o1bzz", "auth_time": NOW - 60, "at_hash": "preview_at_hash",
        "nonce": "n-0S6_WzA2Mj",
    })
}

#[tokio::test]
async fn accepts_access_tokens_with_scopes() {
    let claims = accept(&verifier(), &sign(&access_token())).await;
    assert_eq!(claims.user_id(), "ada@shop.example");
    assert!(claims.has_scope("orders.read"));
    assert!(!claims.has_scope("orders.write"));
}

#[tokio::test]
async fn the_permanent_user_id_can_be_selected() {
    let names = ClaimNames::default().with_user_id("uid");
    let verifier: Verifier = builder().claim_names(names).build().unwrap();
    let claims = accept(&verifier, &sign(&access_token())).await;
    assert_eq!(claims.user_id(), "00uid4BxXw6I6TV4m0g3");

    let machine = changed(&access_token(), &json!({ "uid": null, "sub": "0oabucvyc38HLL1ef0h7" }));
    assert_eq!(rejection(&verifier, &sign(&machine)).await, "InvalidClaims uid");
}

#[tokio::test]
async fn rejects_id_tokens() {
    assert_eq!(rejection(&verifier(), &sign(&id_token())).await, "InvalidClaims cid");
    let token = changed(&id_token(), &json!({ "cid": "0oabucvyc38HLL1ef0h7" }));
    assert_eq!(rejection(&verifier(), &sign(&token)).await, "WrongAudience aud");
    // Without the marks of an ID token, for the same audience.
    let token = changed(&id_token(), &json!({ "aud": API, "nonce": null, "at_hash": null }));
    assert_eq!(rejection(&verifier(), &sign(&token)).await, "InvalidClaims cid");
}

#[tokio::test]
async fn rejects_refresh_tokens() {
    assert_eq!(rejection(&verifier(), OPAQUE).await, "Malformed");
}

#[tokio::test]
async fn rejects_tokens_for_another_audience() {
    let token = changed(&access_token(), &json!({ "aud": "https://billing.example" }));
    assert_eq!(rejection(&verifier(), &sign(&token)).await, "WrongAudience aud");
}

#[tokio::test]
async fn rejects_tokens_of_another_authorization_server() {
    for issuer in [
        "https://shop.okta.com",
        "https://shop.okta.com/oauth2/aus1",
        "https://other.okta.com/oauth2/default",
    ] {
        let token = changed(&access_token(), &json!({ "iss": issuer }));
        assert_eq!(rejection(&verifier(), &sign(&token)).await, "WrongIssuer iss");
    }
}
