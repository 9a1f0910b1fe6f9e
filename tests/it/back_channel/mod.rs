//! Logouts that an identity provider reports.

mod effect;
mod outage;
mod rules;
mod settings;
mod stores;

use axum::{Router, body::Body};
use http::{Request, header::CONTENT_TYPE};
use serde_json::{Value, json};
use tower_jwt_auth::{
    Algorithm, AuthErrorKind, JwtAuthLayer, ManualClock, Verifier, VerifyingKey,
    routes::{BackChannelLogoutRoutes, BackChannelLogoutRoutesBuilder},
    store::TokenStore,
    token::TokenProfile,
};

use crate::support::{
    app::{bearer, send_once},
    foreign::{API, ForeignKey},
    mint::{NOW, clock},
    reply::{Reply, send},
};

const ISSUER: &str = "https://login.example";
const CLIENT: &str = "my-client";
const FORM: &str = "application/x-www-form-urlencoded";
const EVENT: &str = "http://schemas.openid.net/event/backchannel-logout";

/// A provider, and a service that accepts its tokens and learns of its logouts.
struct Service<S> {
    key: ForeignKey,
    clock: ManualClock,
    store: S,
    app: Router,
    layer: JwtAuthLayer,
}

impl<S: TokenStore + Clone> Service<S> {
    fn new(store: S) -> Self {
        Self::with(store, |routes| routes)
    }

    fn with(
        store: S,
        settings: impl FnOnce(BackChannelLogoutRoutesBuilder) -> BackChannelLogoutRoutesBuilder,
    ) -> Self {
        let (key, clock) = (ForeignKey::generate("one"), clock());
        let logout = logout_verifier(&key, ISSUER, &clock);
        let routes = BackChannelLogoutRoutes::builder(logout, store.clone()).clock(&clock);
        let app = settings(routes).build().unwrap().into_router();
        let layer = JwtAuthLayer::new(access_verifier(&key, ISSUER, &clock));
        let layer = layer.with_revocation_check(store.clone());
        Self { key, clock, store, app, layer }
    }

    /// A valid logout token with changed claims. `null` omits a claim.
    fn logout_token(&self, changes: &Value) -> String {
        logout_token(&self.key, ISSUER, changes)
    }

    async fn log_out(&self, changes: &Value) -> Reply {
        post(&self.app, &self.logout_token(changes)).await
    }

    /// What the layer does with an access token that has these claims.
    async fn outcome(&self, changes: &Value) -> Result<(), AuthErrorKind> {
        self.outcome_of(&self.key.token_with(ISSUER, changes)).await
    }

    async fn outcome_of(&self, token: &str) -> Result<(), AuthErrorKind> {
        send_once(&self.layer, bearer(token)).await.outcome().map(drop)
    }
}

fn public(key: &ForeignKey) -> VerifyingKey {
    VerifyingKey::from_jwk(&key.jwk().to_string(), Algorithm::ES256).unwrap()
}

fn logout_verifier(key: &ForeignKey, issuer: &str, clock: &ManualClock) -> Verifier {
    Verifier::builder(public(key))
        .issuer(issuer)
        .audience(CLIENT)
        .profile(TokenProfile::LogoutToken)
        .clock(clock)
        .build()
        .unwrap()
}

fn access_verifier(key: &ForeignKey, issuer: &str, clock: &ManualClock) -> Verifier {
    Verifier::builder(public(key))
        .issuer(issuer)
        .audience(API)
        .profile(TokenProfile::Rfc9068)
        .clock(clock)
        .build()
        .unwrap()
}

fn logout_token(key: &ForeignKey, issuer: &str, changes: &Value) -> String {
    let mut claims = json!({
        "aud": CLIENT, "client_id": null, "exp": NOW + 120, "jti": "logout-1", "sid": "s1",
        "events": { EVENT: {} },
    });
    for (name, value) in changes.as_object().unwrap() {
        claims[name] = value.clone();
    }
    key.mint(&json!({ "kid": "one", "typ": "logout+jwt" }), issuer, &claims)
}

async fn post(app: &Router, token: &str) -> Reply {
    post_form(app, format!("logout_token={token}")).await
}

async fn post_form(app: &Router, form: impl Into<Body>) -> Reply {
    let request = Request::post("/backchannel-logout").header(CONTENT_TYPE, FORM);
    let reply = send(app, request.body(form.into()).unwrap()).await;
    assert_eq!(reply.header("cache-control"), ["no-store"], "{reply:?}");
    reply
}

#[track_caller]
fn assert_invalid(reply: &Reply, what: &str) {
    assert_eq!(reply.status, 400, "{what}: {reply:?}");
    assert_eq!(reply.json()["error"], "invalid_request", "{what}");
    assert!(reply.json()["error_description"].is_string(), "{what}");
}
