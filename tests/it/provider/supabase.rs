use serde::Deserialize;
use serde_json::{Value, json};
use tower_jwt_auth::{Algorithm, Verifier, VerifyingKey, provider::supabase::Project};

use super::{Documents, Key, NOW, OPAQUE, accept, assert_accepted, changed, rejection};
use crate::support::{
    keys,
    mint::{Minter, clock},
};

const ISSUER: &str = "https://abcdefghijklmnopqrst.supabase.co/auth/v1";

#[derive(Deserialize)]
struct Access {
    role: String,
    aal: String,
    is_anonymous: bool,
    app_metadata: Metadata,
}

#[derive(Deserialize)]
struct Metadata {
    #[serde(default)]
    roles: Vec<String>,
}

fn key() -> Key {
    Key::es256("b9feb5b2-1c5b-4b8a-9d86-1c4f5f0f9a10")
}

fn verifier() -> Verifier<Access> {
    let project = Project::new("https://abcdefghijklmnopqrst.supabase.co/");
    let documents = Documents::new([(
        "https://abcdefghijklmnopqrst.supabase.co/auth/v1/.well-known/jwks.json",
        json!({ "keys": [key().jwk()] }),
    )]);
    let keys = project.keys().client(documents).clock(clock()).build().unwrap();
    project.verifier(&keys).claims::<Access>().clock(clock()).build().unwrap()
}

fn access_token() -> Value {
    json!({
        "aal": "aal1", "amr": [{ "method": "password", "timestamp": NOW }],
        "app_metadata": { "provider": "email", "providers": ["email"], "roles": ["editor"] },
        "aud": "authenticated", "email": "user@shop.example", "iat": NOW, "exp": NOW + 3600,
        "iss": ISSUER, "phone": "", "role": "authenticated",
        "session_id": "123e4567-e89b-12d3-a456-426614174000",
        "sub": "123e4567-e89b-12d3-a456-426614174000",
        "user_metadata": { "name": "John Doe", "roles": ["admin"] }, "is_anonymous": false,
    })
}

#[tokio::test]
async fn accepts_access_tokens_with_roles() {
    let claims = accept(&verifier(), &key().sign(&access_token())).await;
    assert_eq!(claims.user_id(), "123e4567-e89b-12d3-a456-426614174000");
    assert_eq!((&*claims.role, &*claims.aal), ("authenticated", "aal1"));
    assert_eq!(claims.app_metadata.roles, ["editor"]);
    assert!(!claims.is_anonymous);
}

/// The legacy API keys are tokens signed with the legacy secret.
#[tokio::test]
async fn rejects_api_keys() {
    for role in ["anon", "service_role"] {
        let claims = json!({
            "iss": "supabase", "ref": "abcdefghijklmnopqrst", "role": role,
            "iat": NOW, "exp": NOW + 3600,
        });
        let token = Minter::hs256().token(claims.to_string());
        assert_eq!(rejection(&verifier(), &token).await, "UnknownKey alg");
        assert_eq!(rejection(&verifier(), &key().sign(&claims)).await, "WrongIssuer iss");
    }
}

#[tokio::test]
async fn rejects_refresh_tokens() {
    assert_eq!(rejection(&verifier(), OPAQUE).await, "Malformed");
}

#[tokio::test]
async fn rejects_tokens_for_another_audience() {
    let token = changed(&access_token(), &json!({ "aud": "anon" }));
    assert_eq!(rejection(&verifier(), &key().sign(&token)).await, "WrongAudience aud");
}

#[tokio::test]
async fn rejects_tokens_of_another_project() {
    let other = "https://zyxwvutsrqponmlkjihg.supabase.co/auth/v1";
    let token = changed(&access_token(), &json!({ "iss": other }));
    assert_eq!(rejection(&verifier(), &key().sign(&token)).await, "WrongIssuer iss");
}

/// While a project moves from the legacy secret to signing keys.
#[tokio::test]
async fn accepts_legacy_tokens_with_the_legacy_secret() {
    let project = Project::new("https://abcdefghijklmnopqrst.supabase.co");
    let secret = VerifyingKey::from_secret(Algorithm::HS256, keys::SECRET).unwrap();
    let legacy = project.verifier(secret).claims::<Access>().clock(clock()).build().unwrap();
    let verifier = Verifier::any_of([verifier(), legacy]).unwrap();
    assert_accepted(&verifier, &key().sign(&access_token())).await;
    assert_accepted(&verifier, &Minter::hs256().token(access_token().to_string())).await;
    let api_key = json!({
        "iss": "supabase", "ref": "abcdefghijklmnopqrst", "role": "service_role",
        "iat": NOW, "exp": NOW + 3600,
    });
    let rejected = rejection(&verifier, &Minter::hs256().token(api_key.to_string())).await;
    assert_eq!(rejected, "WrongIssuer iss");
}
