use serde::Deserialize;
use serde_json::{Value, json};
use tower_jwt_auth::{Verifier, provider::auth0::Tenant};

use super::{Documents, ENCRYPTED, Key, NOW, OPAQUE, accept, assert_accepted, changed, rejection};
use crate::support::mint::clock;

const ISSUER: &str = "https://shop.eu.auth0.com/";
const API: &str = "https://api.example";

#[derive(Deserialize)]
struct Access {
    #[serde(default)]
    permissions: Vec<String>,
}

fn key() -> Key {
    Key::rs256("NjVBRjY5MDlCMUIwNzU4RTA2QzZFMDQ4QzQ2MDAyQjVDNjk1RTM2Qg")
}

fn verifier() -> Verifier<Access> {
    let tenant = Tenant::new("shop.eu.auth0.com");
    let jwks = "https://shop.eu.auth0.com/.well-known/jwks.json";
    let documents = Documents::of_issuer(ISSUER, jwks, &key());
    let keys = tenant.keys().client(documents).clock(clock()).build().unwrap();
    tenant.verifier(&keys, API).claims::<Access>().clock(clock()).build().unwrap()
}

/// Of the profile `Auth0`.
fn access_token() -> Value {
    json!({
        "iss": ISSUER, "sub": "auth0|123456", "aud": [API, "https://shop.eu.auth0.com/userinfo"],
        "azp": "my_client_id", "iat": NOW, "exp": NOW + 86400,
        "scope": "openid profile orders:read", "permissions": ["orders:read", "orders:write"],
    })
}

fn id_token() -> Value {
    json!({
        "iss": ISSUER, "sub": "auth0|123456", "aud": "my_client_id", "iat": NOW, "exp": NOW + 36000,
        "name": "Jane Doe", "email": "jane@shop.example", "sid": "xJ7c0", "nonce": "Sk5KbGc",
    })
}

#[tokio::test]
async fn accepts_access_tokens_with_permissions_and_scopes() {
    let claims = accept(&verifier(), &key().sign(&access_token())).await;
    assert_eq!(claims.user_id(), "auth0|123456");
    assert_eq!(claims.permissions, ["orders:read", "orders:write"]);
    assert!(claims.has_scope("orders:read"));
    assert!(!claims.has_scope("orders:write"));
}

#[tokio::test]
async fn accepts_access_tokens_of_rfc_9068() {
    let changes =
        json!({ "azp": null, "client_id": "my_client_id", "jti": "73WakrfVbNJBaAmhQtEeDv" });
    let token = changed(&access_token(), &changes);
    assert_accepted(&verifier(), &key().sign_as(&json!({ "typ": "at+jwt" }), &token)).await;
}

#[tokio::test]
async fn accepts_access_tokens_of_machines() {
    let token = json!({
        "iss": ISSUER, "sub": "my_client_id@clients", "aud": API, "azp": "my_client_id",
        "iat": NOW, "exp": NOW + 86400, "scope": "orders:read", "gty": "client-credentials",
    });
    let claims = accept(&verifier(), &key().sign(&token)).await;
    assert_eq!(claims.user_id(), "my_client_id@clients");
    assert!(claims.permissions.is_empty());
}

#[tokio::test]
async fn rejects_id_tokens() {
    assert_eq!(rejection(&verifier(), &key().sign(&id_token())).await, "WrongAudience aud");
    let token = changed(&id_token(), &json!({ "aud": API }));
    assert_eq!(rejection(&verifier(), &key().sign(&token)).await, "WrongTokenType nonce");
}

#[tokio::test]
async fn rejects_refresh_tokens_and_tokens_without_a_requested_audience() {
    for token in [OPAQUE, ENCRYPTED] {
        let rejected = rejection(&verifier(), token).await;
        assert!(rejected.starts_with("Malformed"), "{rejected}");
    }
}

#[tokio::test]
async fn rejects_tokens_for_another_audience() {
    for audience in
        [json!("https://billing.example"), json!(["https://shop.eu.auth0.com/userinfo"])]
    {
        let token = changed(&access_token(), &json!({ "aud": audience }));
        assert_eq!(rejection(&verifier(), &key().sign(&token)).await, "WrongAudience aud");
    }
}

#[tokio::test]
async fn rejects_tokens_of_another_tenant() {
    for issuer in ["https://other.eu.auth0.com/", "https://shop.eu.auth0.com"] {
        let token = changed(&access_token(), &json!({ "iss": issuer }));
        assert_eq!(rejection(&verifier(), &key().sign(&token)).await, "WrongIssuer iss");
    }
}
