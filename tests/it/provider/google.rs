use serde::Deserialize;
use serde_json::{Value, json};
use tower_jwt_auth::{Verifier, provider::google, token::VerifierBuilder};

use super::{Documents, Key, NOW, OPAQUE, accept, assert_accepted, changed, rejection};
use crate::support::mint::clock;

const WEB: &str = "1234987819200.apps.googleusercontent.com";
const ANDROID: &str = "1234987819200-android.apps.googleusercontent.com";

#[derive(Deserialize)]
struct Account {
    hd: Option<String>,
}

fn key() -> Key {
    Key::rs256("0c8c5f4a4b2a9d6e7f1b3c5d7e9f0a1b2c3d4e5f")
}

fn builder(audience: &str) -> VerifierBuilder<Account> {
    let url = "https://www.googleapis.com/oauth2/v3/certs";
    let documents = Documents::new([(url, json!({ "keys": [key().jwk()] }))]);
    let keys = google::keys().client(documents).clock(clock()).build().unwrap();
    google::verifier(&keys, [audience]).claims::<Account>().clock(clock())
}

fn verifier() -> Verifier<Account> {
    builder(WEB).build().unwrap()
}

fn id_token() -> Value {
    json!({
        "iss": "https://accounts.google.com", "azp": WEB, "aud": WEB, "sub": "10769150350006150715113082367",
        "at_hash": "HK6E_P6Dh8Y93mRNtsDB1Q", "hd": "shop.example", "email": "jsmith@shop.example",
        "email_verified": true, "iat": NOW, "exp": NOW + 3600, "nonce": "0394852-3190485-2490358",
    })
}

#[tokio::test]
async fn accepts_id_tokens_of_both_issuers() {
    for issuer in ["https://accounts.google.com", "accounts.google.com"] {
        let token = changed(&id_token(), &json!({ "iss": issuer }));
        let claims = accept(&verifier(), &key().sign(&token)).await;
        assert_eq!(claims.user_id(), "10769150350006150715113082367");
        assert_eq!(claims.hd.as_deref(), Some("shop.example"));
        assert!(claims.require_nonce("0394852-3190485-2490358").is_ok());
        assert!(claims.require_nonce("another").is_err());
    }
}

#[tokio::test]
async fn rejects_tokens_of_another_issuer() {
    for issuer in [
        "http://accounts.google.com",
        "https://accounts.google.com/",
        "https://securetoken.google.com/a",
    ] {
        let token = changed(&id_token(), &json!({ "iss": issuer }));
        assert_eq!(rejection(&verifier(), &key().sign(&token)).await, "WrongIssuer iss");
    }
}

#[tokio::test]
async fn rejects_tokens_for_another_application() {
    for audience in [json!("another.apps.googleusercontent.com"), json!([WEB, "another"])] {
        let token = changed(&id_token(), &json!({ "aud": audience }));
        assert_eq!(rejection(&verifier(), &key().sign(&token)).await, "WrongAudience aud");
    }
}

#[tokio::test]
async fn rejects_access_and_refresh_tokens() {
    for token in ["ya29.a0AfH6SMBx1y2z", "1//0gabcdefgh", OPAQUE] {
        assert_eq!(rejection(&verifier(), token).await, "Malformed");
    }
}

#[tokio::test]
async fn accepts_tokens_from_android_if_its_client_is_listed() {
    let token = changed(&id_token(), &json!({ "azp": ANDROID }));
    let rejected = rejection(&verifier(), &key().sign(&token)).await;
    assert!(rejected.ends_with("azp"), "{rejected}");
    let verifier = builder(WEB).clients([ANDROID]).build().unwrap();
    assert_accepted(&verifier, &key().sign(&token)).await;
}

#[tokio::test]
async fn rejects_service_accounts_that_are_not_listed() {
    let service_account = "112233445566778899000";
    let token = json!({
        "aud": "https://orders.example", "azp": service_account, "sub": service_account,
        "email": "billing@project.iam.gserviceaccount.com", "email_verified": true,
        "iss": "https://accounts.google.com", "iat": NOW, "exp": NOW + 3600,
    });
    let token = key().sign(&token);
    let rejected = rejection(&builder("https://orders.example").build().unwrap(), &token).await;
    assert!(rejected.ends_with("azp"), "{rejected}");
    let verifier = builder("https://orders.example").clients([service_account]).build().unwrap();
    assert_accepted(&verifier, &token).await;
}
