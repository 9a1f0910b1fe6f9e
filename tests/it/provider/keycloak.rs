use axum::{Router, body::Body, routing::get};
use http::{Request, StatusCode, header::AUTHORIZATION};
use serde::Deserialize;
use serde_json::{Value, json};
use tower_jwt_auth::{
    Algorithm, Claims, JwtAuthLayer, Verifier,
    guard::RequireLayer,
    provider::keycloak::{Realm, Roles},
};

use super::{Documents, Key, NOW, accept, assert_accepted, changed, minter, rejection};
use crate::support::{keys, mint::clock, reply::send};

const REALM: &str = "https://login.example/realms/shop";
const CERTS: &str = "https://login.example/realms/shop/protocol/openid-connect/certs";

fn key() -> Key {
    Key::rs256("FJ86GcF3jTbNLOco4NvZkUCIUmfYCqoqtOQeMfbhNlE")
}

fn verifier() -> Verifier<Roles> {
    let realm = Realm::new(format!("{REALM}/"));
    let documents = Documents::of_issuer(REALM, CERTS, &key());
    let keys = realm.keys().client(documents).clock(clock()).build().unwrap();
    realm.verifier(&keys, "orders").claims::<Roles>().clock(clock()).build().unwrap()
}

fn access_token() -> Value {
    json!({
        "exp": NOW + 300, "iat": NOW, "auth_time": NOW - 5,
        "jti": "onrtac:7f0a4d0e-8f4a-4c70-9d1f-6f5b8a9d2c11",
        "iss": REALM, "aud": ["orders", "account"],
        "sub": "f1888f4d-5172-4359-be0c-af338505d86c", "typ": "Bearer", "azp": "web",
        "sid": "7d6f4a9c-1f2e-4a57-9d5b-0a8c3a1f9b77", "acr": "1",
        "allowed-origins": ["https://shop.example"],
        "realm_access": { "roles": ["offline_access", "staff"] },
        "resource_access": {
            "orders": { "roles": ["admin"] },
            "account": { "roles": ["manage-account", "view-profile"] },
        },
        "scope": "openid email orders:read", "email_verified": true, "preferred_username": "ada",
    })
}

fn id_token() -> Value {
    changed(
        &access_token(),
        &json!({
            "typ": "ID", "aud": "web", "nonce": "n-0S6_WzA2Mj", "at_hash": "MTIzNDU2Nzg5MDEyMzQ1Ng",
            "scope": null, "realm_access": null, "resource_access": null,
        }),
    )
}

#[tokio::test]
async fn accepts_access_tokens_with_roles_and_scopes() {
    let (verifier, key) = (verifier(), key());
    let claims = accept(&verifier, &key.sign(&access_token())).await;
    assert_eq!(claims.user_id(), "f1888f4d-5172-4359-be0c-af338505d86c");
    assert!(claims.has_realm_role("staff"));
    assert!(claims.has_client_role("orders", "admin"));
    assert!(claims.has_scope("orders:read"));
    assert!(!claims.has_realm_role("admin"), "a role of a client");
    assert!(!claims.has_client_role("account", "admin"), "a role of another client");
}

#[tokio::test]
async fn accepts_access_tokens_without_roles() {
    let token = changed(&access_token(), &json!({ "realm_access": null, "resource_access": null }));
    let claims = accept(&verifier(), &key().sign(&token)).await;
    assert!(!claims.has_realm_role("staff"));
    assert!(!claims.has_client_role("orders", "admin"));
}

/// Up to Keycloak 24.
#[tokio::test]
async fn accepts_access_tokens_with_a_nonce() {
    let token = changed(&access_token(), &json!({ "nonce": "n-0S6_WzA2Mj" }));
    assert_accepted(&verifier(), &key().sign(&token)).await;
}

#[tokio::test]
async fn accepts_the_header_type_at_jwt() {
    assert_accepted(&verifier(), &key().sign_as(&json!({ "typ": "at+jwt" }), &access_token()))
        .await;
}

#[tokio::test]
async fn rejects_id_tokens_even_of_a_client_that_is_the_service() {
    let (verifier, key) = (verifier(), key());
    assert_eq!(rejection(&verifier, &key.sign(&id_token())).await, "WrongAudience aud");
    for changes in [json!({}), json!({ "nonce": null, "at_hash": null }), json!({ "typ": null })] {
        let token = changed(&changed(&id_token(), &json!({ "aud": "orders" })), &changes);
        let rejection = rejection(&verifier, &key.sign(&token)).await;
        assert!(rejection.starts_with("WrongTokenType"), "{changes}: {rejection}");
    }
}

/// They are signed with a secret of the realm.
#[tokio::test]
async fn rejects_refresh_tokens() {
    let header = r#"{"alg":"HS512","typ":"JWT","kid":"a2cfbd5d-22b7-4d7b-9d4e-3a7b8f8e1c55"}"#;
    for typ in ["Refresh", "Offline"] {
        let token = changed(&access_token(), &json!({ "typ": typ, "aud": REALM }));
        let secret = minter(Algorithm::HS512, str::from_utf8(keys::LONG_SECRET).unwrap());
        let token = secret.mint(header, token.to_string());
        assert_eq!(rejection(&verifier(), &token).await, "UnknownKey alg");
    }
    // Whatever signs them.
    let token = changed(&access_token(), &json!({ "typ": "Refresh" }));
    assert_eq!(rejection(&verifier(), &key().sign(&token)).await, "WrongTokenType typ");
}

#[tokio::test]
async fn rejects_logout_tokens() {
    let token = json!({
        "iat": NOW, "exp": NOW + 120, "jti": "0f3e2c9b", "iss": REALM, "aud": "orders",
        "sub": "f1888f4d-5172-4359-be0c-af338505d86c", "typ": "Logout",
        "sid": "7d6f4a9c-1f2e-4a57-9d5b-0a8c3a1f9b77",
        "events": { "http://schemas.openid.net/event/backchannel-logout": {} },
    });
    let rejection = rejection(&verifier(), &key().sign(&token)).await;
    assert!(rejection.starts_with("WrongTokenType"), "{rejection}");
}

#[tokio::test]
async fn rejects_tokens_for_another_audience() {
    let (verifier, key) = (verifier(), key());
    for audience in [json!("account"), json!(["billing", "account"]), Value::Null] {
        let token = changed(&access_token(), &json!({ "aud": audience }));
        assert_eq!(rejection(&verifier, &key.sign(&token)).await, "WrongAudience aud");
    }
}

#[tokio::test]
async fn rejects_tokens_of_another_realm() {
    let other = "https://login.example/realms/other";
    let token = changed(&access_token(), &json!({ "iss": other }));
    assert_eq!(rejection(&verifier(), &key().sign(&token)).await, "WrongIssuer iss");
    // The keys of the other realm are others.
    let stranger = Key::rs256("other");
    assert_eq!(rejection(&verifier(), &stranger.sign(&access_token())).await, "UnknownKey kid");
}

/// They have neither `sub` nor `aud`.
#[tokio::test]
async fn rejects_lightweight_access_tokens() {
    let token = json!({
        "exp": NOW + 300, "iat": NOW, "jti": "trrtlt:2f9d", "iss": REALM, "typ": "Bearer",
        "azp": "web", "sid": "7d6f4a9c-1f2e-4a57-9d5b-0a8c3a1f9b77", "scope": "openid",
    });
    assert_eq!(rejection(&verifier(), &key().sign(&token)).await, "WrongAudience aud");
}

#[tokio::test]
async fn guards_require_roles() {
    let app: Router = Router::new()
        .route("/admin", get(|| async { "welcome" }))
        .layer(RequireLayer::new(|claims: &Claims<Roles>| {
            claims.has_client_role("orders", "admin")
        }))
        .layer(JwtAuthLayer::new(verifier()));
    let status = async |claims: &Value| {
        let authorization = format!("Bearer {}", key().sign(claims));
        let request = Request::get("/admin").header(AUTHORIZATION, authorization);
        send(&app, request.body(Body::empty()).unwrap()).await.status
    };
    assert_eq!(status(&access_token()).await, StatusCode::OK);
    let other_client = json!({ "resource_access": { "account": { "roles": ["admin"] } } });
    assert_eq!(status(&changed(&access_token(), &other_client)).await, StatusCode::FORBIDDEN);
    assert_eq!(status(&id_token()).await, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn roles_are_part_of_claims_of_the_application() {
    #[derive(Deserialize)]
    struct Member {
        preferred_username: String,
        #[serde(flatten)]
        roles: Roles,
    }

    let realm = Realm::new(REALM);
    let documents = Documents::of_issuer(REALM, CERTS, &key());
    let keys = realm.keys().client(documents).clock(clock()).build().unwrap();
    let verifier =
        realm.verifier(&keys, "orders").claims::<Member>().clock(clock()).build().unwrap();
    let claims: Claims<Member> = accept(&verifier, &key().sign(&access_token())).await;
    assert_eq!(claims.preferred_username, "ada");
    assert!(claims.roles.has_client_role("orders", "admin"));
}

/// The keys come from the URL of the container network, and `iss` is checked all the same.
#[tokio::test]
async fn checks_the_issuer_with_keys_from_elsewhere() {
    let (url, key) = ("https://keycloak.internal/realms/shop/certs", key());
    let documents = Documents::new([(url, json!({ "keys": [key.jwk()] }))]);
    let keys = tower_jwt_auth::jwks::RemoteKeys::from_url(url).client(documents).build().unwrap();
    let verifier: Verifier =
        Realm::new(REALM).verifier(&keys, "orders").clock(clock()).build().unwrap();
    assert_accepted(&verifier, &key.sign(&access_token())).await;
    let token =
        changed(&access_token(), &json!({ "iss": "https://keycloak.internal/realms/shop" }));
    assert_eq!(rejection(&verifier, &key.sign(&token)).await, "WrongIssuer iss");
}
