use serde::Deserialize;
use serde_json::{Value, json};
use tower_jwt_auth::{Verifier, provider::cognito::UserPool, token::VerifierBuilder};

use super::{Documents, ENCRYPTED, Key, NOW, accept, assert_accepted, changed, rejection};
use crate::support::mint::clock;

const POOL: &str = "eu-central-1_AbCdEfGhI";
const ISSUER: &str = "https://cognito-idp.eu-central-1.amazonaws.com/eu-central-1_AbCdEfGhI";
const CLIENT: &str = "7m1234abcdefghijklmnopqrst";

#[derive(Deserialize)]
struct Access {
    #[serde(rename = "cognito:groups", default)]
    groups: Vec<String>,
}

fn key() -> Key {
    Key::rs256("1234example=")
}

fn builder() -> VerifierBuilder<Access> {
    let pool = UserPool::new(POOL).unwrap();
    let documents =
        Documents::of_issuer(ISSUER, &format!("{ISSUER}/.well-known/jwks.json"), &key());
    let keys = pool.keys().client(documents).clock(clock()).build().unwrap();
    pool.verifier(&keys, [CLIENT]).claims::<Access>().clock(clock())
}

fn verifier() -> Verifier<Access> {
    builder().build().unwrap()
}

/// The header of Cognito has no `typ`.
fn sign(claims: &Value) -> String {
    key().sign_as(&json!({}), claims)
}

fn access_token() -> Value {
    json!({
        "sub": "a1b2c3d4-5678-90ab-cdef-1234567890ab", "cognito:groups": ["admins", "editors"],
        "iss": ISSUER, "client_id": CLIENT, "origin_jti": "f5e6d7c8", "event_id": "e1f2a3b4",
        "token_use": "access", "scope": "openid https://api.example/orders.read",
        "auth_time": NOW, "iat": NOW, "exp": NOW + 3600, "jti": "j1k2l3m4", "username": "jdoe",
        "version": 2,
    })
}

fn id_token() -> Value {
    json!({
        "sub": "a1b2c3d4-5678-90ab-cdef-1234567890ab", "cognito:groups": ["admins"],
        "email_verified": true, "iss": ISSUER, "cognito:username": "jdoe", "origin_jti": "f5e6d7c8",
        "aud": CLIENT, "event_id": "e1f2a3b4", "token_use": "id", "auth_time": NOW, "iat": NOW,
        "exp": NOW + 3600, "jti": "d9e0f1a2", "email": "jdoe@shop.example",
    })
}

#[tokio::test]
async fn accepts_access_tokens_with_groups_and_scopes() {
    let claims = accept(&verifier(), &sign(&access_token())).await;
    assert_eq!(claims.user_id(), "a1b2c3d4-5678-90ab-cdef-1234567890ab");
    assert_eq!(claims.groups, ["admins", "editors"]);
    assert!(claims.has_scope("https://api.example/orders.read"));
}

#[tokio::test]
async fn accepts_access_tokens_of_users_without_groups_and_of_machines() {
    for changes in [json!({}), json!({ "sub": CLIENT, "username": null, "auth_time": null })] {
        let token = changed(&access_token(), &json!({ "cognito:groups": null }));
        let claims = accept(&verifier(), &sign(&changed(&token, &changes))).await;
        assert!(claims.groups.is_empty());
    }
}

#[tokio::test]
async fn rejects_id_tokens() {
    let rejected = rejection(&verifier(), &sign(&id_token())).await;
    assert_eq!(rejected, "WrongAudience aud");
    let token = changed(&id_token(), &json!({ "aud": null, "client_id": CLIENT }));
    assert_eq!(rejection(&verifier(), &sign(&token)).await, "WrongTokenType token_use");
    // Without the mark.
    let token = changed(&token, &json!({ "token_use": null }));
    assert_eq!(rejection(&verifier(), &sign(&token)).await, "InvalidClaims token_use");
}

#[tokio::test]
async fn rejects_refresh_tokens() {
    assert_eq!(rejection(&verifier(), ENCRYPTED).await, "Malformed enc");
}

#[tokio::test]
async fn rejects_tokens_of_another_client() {
    let token = changed(&access_token(), &json!({ "client_id": "2another" }));
    let rejected = rejection(&verifier(), &sign(&token)).await;
    assert!(rejected.ends_with("client_id"), "{rejected}");
    let token = changed(&access_token(), &json!({ "client_id": null }));
    let rejected = rejection(&verifier(), &sign(&token)).await;
    assert!(rejected.ends_with("client_id"), "{rejected}");
}

#[tokio::test]
async fn checks_the_audience_of_tokens_that_are_bound_to_a_resource() {
    let bound = changed(&access_token(), &json!({ "aud": "https://api.example" }));
    assert_eq!(rejection(&verifier(), &sign(&bound)).await, "WrongAudience aud");

    let verifier = builder().audience("https://api.example").build().unwrap();
    assert_accepted(&verifier, &sign(&bound)).await;
    let other = changed(&access_token(), &json!({ "aud": "https://billing.example" }));
    assert_eq!(rejection(&verifier, &sign(&other)).await, "WrongAudience aud");
}

#[tokio::test]
async fn rejects_tokens_of_another_user_pool() {
    let other = "https://cognito-idp.eu-central-1.amazonaws.com/eu-central-1_ZyXwVuTsR";
    let token = changed(&access_token(), &json!({ "iss": other }));
    assert_eq!(rejection(&verifier(), &sign(&token)).await, "WrongIssuer iss");
}
