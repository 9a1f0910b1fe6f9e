//! A second factor that signs a challenge, as a passkey does.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
};

use aws_lc_rs::{
    rand::SystemRandom,
    signature::{
        ECDSA_P256_SHA256_ASN1, ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair,
        UnparsedPublicKey,
    },
};
use axum::{Router, extract::State, routing::post as post_route};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use serde_json::json;
use tower_jwt_auth::{
    AuthError, Issuer, TokenRoutes,
    token::UserId,
    user::{BackendError, SecondFactor},
};

use crate::support::{
    login::{PASSWORD, Profile, Setup, payload},
    reply::{Reply, post, send},
};

use super::{Careful, outcome, rejected};

/// The public keys of users, and the challenges that wait for a signature.
#[derive(Clone)]
struct Passkeys {
    issuer: Issuer<Profile>,
    keys: Arc<HashMap<UserId, Vec<u8>>>,
    challenges: Arc<Mutex<HashMap<UserId, String>>>,
}

impl SecondFactor for Passkeys {
    async fn is_enabled(&self, user_id: &UserId) -> Result<bool, BackendError> {
        Ok(self.keys.contains_key(user_id))
    }

    async fn verify(&self, user_id: &UserId, code: &str) -> Result<bool, BackendError> {
        let challenge = self.challenges.lock().unwrap().remove(user_id);
        let (Some(challenge), Some(key)) = (challenge, self.keys.get(user_id)) else {
            return Ok(false);
        };
        let signature = BASE64_URL_SAFE_NO_PAD.decode(code).unwrap_or_default();
        let key = UnparsedPublicKey::new(&ECDSA_P256_SHA256_ASN1, key);
        Ok(key.verify(challenge.as_bytes(), &signature).is_ok())
    }

    fn amr(&self) -> &'static [&'static str] {
        &["pwd", "hwk"]
    }
}

/// The route of the application that makes a challenge for the user of a step.
async fn challenge(State(passkeys): State<Passkeys>, step: String) -> Result<String, AuthError> {
    let user_id = passkeys.issuer.second_step_user(&step).await?;
    let mut challenges = passkeys.challenges.lock().unwrap();
    let challenge = format!("challenge {} of {user_id}", challenges.len());
    challenges.insert(user_id, challenge.clone());
    Ok(challenge)
}

struct Device(EcdsaKeyPair);

impl Device {
    fn sign(&self, challenge: &str) -> String {
        let signature = self.0.sign(&SystemRandom::new(), challenge.as_bytes()).unwrap();
        BASE64_URL_SAFE_NO_PAD.encode(signature)
    }
}

fn app(setup: &Setup) -> (Router, Device) {
    let device = Device(EcdsaKeyPair::generate(&ECDSA_P256_SHA256_ASN1_SIGNING).unwrap());
    let public_key = device.0.public_key().as_ref().to_vec();
    let passkeys = Passkeys {
        issuer: setup.issuer(),
        keys: Arc::new(HashMap::from([(UserId::from(1), public_key)])),
        challenges: Arc::default(),
    };
    let routes = TokenRoutes::builder(passkeys.issuer.clone(), Careful(setup.users.clone()));
    let routes = routes.at("/token").second_factor(passkeys.clone()).build().unwrap();
    let app = Router::new()
        .route("/challenge", post_route(challenge))
        .with_state(passkeys)
        .merge(routes.into_router());
    (app, device)
}

async fn step(app: &Router) -> String {
    let body = json!({ "username": "1", "password": PASSWORD }).to_string();
    send(app, post("/token/", body)).await.json()["step"].as_str().unwrap().to_owned()
}

async fn complete(app: &Router, step: &str, code: &str) -> Reply {
    let body = json!({ "step": step, "code": code }).to_string();
    send(app, post("/token/second-factor", body)).await
}

#[tokio::test]
async fn a_signed_challenge_completes_the_login() {
    let setup = Setup::new();
    let (app, device) = app(&setup);
    let step = step(&app).await;
    let signed = device.sign(&send(&app, post("/challenge", step.clone())).await.body);
    let reply = complete(&app, &step, &signed).await;
    assert_eq!(reply.status, 200, "{reply:?}");
    let access = reply.json()["access"].as_str().unwrap().to_owned();
    assert_eq!(payload(&access)["amr"], json!(["pwd", "hwk"]));

    // The step is used, and so is the challenge.
    let reply = send(&app, post("/challenge", step.clone())).await;
    assert_eq!(outcome(&reply), rejected("token_revoked"));
    let next = self::step(&app).await;
    assert_eq!(outcome(&complete(&app, &next, &signed).await), rejected("invalid_code"));
}

#[tokio::test]
async fn only_a_step_leads_to_a_challenge() {
    let setup = Setup::new();
    let (app, _) = app(&setup);
    let user = crate::support::login::ada();
    let tokens = setup.issuer().login(&user).await.unwrap();
    for token in [tokens.access(), tokens.refresh().unwrap()] {
        let reply = send(&app, post("/challenge", token.to_owned())).await;
        assert_eq!(outcome(&reply), rejected("token_wrong_type"));
    }
    let step = step(&app).await;
    setup.clock.advance(std::time::Duration::from_secs(6 * 60));
    let reply = send(&app, post("/challenge", step)).await;
    assert_eq!(outcome(&reply), rejected("token_expired"));
}
