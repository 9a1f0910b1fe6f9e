use serde::Deserialize;
use serde_json::{Value, json};
use tower_jwt_auth::{Verifier, provider::firebase::Project};

use super::{Documents, Key, NOW, OPAQUE, accept, changed, rejection};
use crate::support::{
    certificate::{certificate, to_pem},
    keys,
    mint::clock,
};

const CERTIFICATES: &str =
    "https://www.googleapis.com/robot/v1/metadata/x509/securetoken@system.gserviceaccount.com";
const KID: &str = "d8100b1c2f2b9a4e6d7c3e5f8a9b0c1d2e3f4a5b";

#[derive(Deserialize)]
struct User {
    #[serde(default)]
    admin: bool,
    firebase: SignIn,
}

#[derive(Deserialize)]
struct SignIn {
    sign_in_provider: String,
}

fn key() -> Key {
    Key::rs256(KID)
}

fn verifier_with(not_before: u64, not_after: u64) -> Verifier<User> {
    let certificate = certificate(&keys::der(keys::RSA_PUBLIC), not_before, not_after);
    let documents = Documents::new([(CERTIFICATES, json!({ KID: to_pem(&certificate) }))]);
    let project = Project::new("my-project");
    let keys = project.keys().client(documents).clock(clock()).build().unwrap();
    project.verifier(&keys).claims::<User>().clock(clock()).build().unwrap()
}

fn verifier() -> Verifier<User> {
    verifier_with(NOW - 86400, NOW + 86400)
}

fn id_token() -> Value {
    json!({
        "iss": "https://securetoken.google.com/my-project", "aud": "my-project",
        "auth_time": NOW - 60, "user_id": "Vn1kH0Yk5uQx", "sub": "Vn1kH0Yk5uQx", "iat": NOW,
        "exp": NOW + 3600, "email": "ada@shop.example", "email_verified": true, "admin": true,
        "firebase": {
            "identities": { "email": ["ada@shop.example"] }, "sign_in_provider": "password",
        },
    })
}

#[tokio::test]
async fn accepts_id_tokens_with_custom_claims() {
    let claims = accept(&verifier(), &key().sign(&id_token())).await;
    assert_eq!(claims.user_id(), "Vn1kH0Yk5uQx");
    assert!(claims.admin);
    assert_eq!(claims.firebase.sign_in_provider, "password");
}

#[tokio::test]
async fn rejects_keys_of_certificates_that_are_not_valid_now() {
    for (not_before, not_after) in [(NOW - 200, NOW - 100), (NOW + 100, NOW + 200)] {
        let verifier = verifier_with(not_before, not_after);
        let rejected = rejection(&verifier, &key().sign(&id_token())).await;
        assert!(rejected.starts_with("Unavailable"), "{rejected}");
    }
}

/// The keys are the same for all projects.
#[tokio::test]
async fn rejects_tokens_of_another_project() {
    let changes = json!({ "iss": "https://securetoken.google.com/other", "aud": "other" });
    let token = changed(&id_token(), &changes);
    assert_eq!(rejection(&verifier(), &key().sign(&token)).await, "WrongIssuer iss");
    let token = changed(&id_token(), &json!({ "aud": "other" }));
    assert_eq!(rejection(&verifier(), &key().sign(&token)).await, "WrongAudience aud");
}

#[tokio::test]
async fn rejects_session_cookies() {
    let token =
        changed(&id_token(), &json!({ "iss": "https://session.firebase.google.com/my-project" }));
    assert_eq!(rejection(&verifier(), &key().sign(&token)).await, "WrongIssuer iss");
}

#[tokio::test]
async fn rejects_custom_tokens() {
    let account = "firebase-adminsdk@my-project.iam.gserviceaccount.com";
    let token = json!({
        "iss": account, "sub": account, "uid": "Vn1kH0Yk5uQx", "iat": NOW, "exp": NOW + 3600,
        "aud": "https://identitytoolkit.googleapis.com/google.identity.identitytoolkit.v1.IdentityToolkit",
    });
    let rejected = rejection(&verifier(), &key().sign(&token)).await;
    assert!(["WrongIssuer iss", "InvalidClaims auth_time"].contains(&&*rejected), "{rejected}");
}

#[tokio::test]
async fn rejects_refresh_tokens() {
    assert_eq!(rejection(&verifier(), OPAQUE).await, "Malformed");
}

#[tokio::test]
async fn rejects_a_login_in_the_future() {
    let token = changed(&id_token(), &json!({ "auth_time": NOW + 3600 }));
    let rejected = rejection(&verifier(), &key().sign(&token)).await;
    assert!(rejected.starts_with("NotYetValid"), "{rejected}");
    let token = changed(&id_token(), &json!({ "auth_time": null }));
    assert_eq!(rejection(&verifier(), &key().sign(&token)).await, "InvalidClaims auth_time");
}
