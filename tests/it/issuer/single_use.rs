//! Tokens that can be used once.

use std::time::Duration;

use axum::{Router, body::Body, routing::get};
use http::{Request, StatusCode};
use serde::{Deserialize, Serialize};
use serde_json::json;
use tower::layer::util::Identity;
use tower_jwt_auth::{
    AuthErrorKind, Issuer, JwtAuthLayer, MemoryStore,
    routes::OAuthRoutes,
    store::TokenStore,
    token::{Claims, NoClaims, TokenType, UserId},
};

use crate::support::{
    flaky::StoreFailure,
    login::{
        DAY, HEADER, HOUR, MINUTE, NOW, Profile, SECRET, Setup, ada, error_kind, mint, payload,
        refresh_of,
    },
    reply::send,
};

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Verification {
    email: String,
}

fn verification() -> TokenType {
    TokenType::from("email_verification")
}

async fn issue(issuer: &Issuer<Profile>) -> String {
    let claims = Verification { email: "ada@example.org".to_owned() };
    issuer.issue_single_use(&verification(), HOUR, &UserId::from(1), &claims).await.unwrap()
}

async fn redeem(issuer: &Issuer<Profile>, token: &str) -> Result<(), AuthErrorKind> {
    let redeemed = issuer.redeem::<Verification>(&verification(), token).await;
    redeemed.map(drop).map_err(|error| error.kind())
}

#[tokio::test]
async fn a_token_is_redeemed_once() {
    let setup = Setup::new();
    let issuer = setup.issuer();
    let (token, other) = (issue(&issuer).await, issue(&issuer).await);
    let claims = payload(&token);
    assert_eq!(
        (&claims["token_type"], &claims["user_id"]),
        (&"email_verification".into(), &"1".into())
    );
    assert_eq!(claims["exp"], NOW + 3600);
    assert_eq!(claims.get("sid"), None);

    setup.events.take();
    let claims: Claims<Verification> = issuer.redeem(&verification(), &token).await.unwrap();
    assert_eq!((claims.user_id().as_str(), &*claims.email), ("1", "ada@example.org"));
    for _ in 0..3 {
        assert_eq!(redeem(&issuer, &token).await, Err(AuthErrorKind::Revoked));
        setup.clock.advance(MINUTE);
    }
    assert_eq!(redeem(&issuer, &other).await, Ok(()), "another token of the same user");
    assert!(setup.events.take().is_empty());
}

#[tokio::test]
async fn every_door_rejects_a_token_that_was_redeemed() {
    let setup = Setup::new();
    let issuer = setup.issuer();
    let token = issue(&issuer).await;
    let verifier = issuer.verifier_builder().token_type(verification()).build().unwrap();
    let layer = JwtAuthLayer::new(verifier).with_revocation_check(setup.store.clone());
    let app = Router::new().route("/", get(async || "")).layer(layer);
    let status = async || {
        let request = Request::get("/").header("authorization", format!("Bearer {token}"));
        send(&app, request.body(Body::empty()).unwrap()).await.status
    };
    let oauth = OAuthRoutes::builder(issuer.clone(), Identity::new()).at("/oauth").build().unwrap();
    let oauth = oauth.into_router();
    let introspected = async || {
        let request = Request::post("/oauth/introspect")
            .header("content-type", "application/x-www-form-urlencoded")
            .body(Body::from(format!("token={token}")));
        send(&oauth, request.unwrap()).await.json()
    };
    assert_eq!(introspected().await, json!({"active": false}), "it grants no access");
    assert_eq!(status().await, StatusCode::OK);
    assert_eq!(redeem(&issuer, &token).await, Ok(()));
    assert_eq!(status().await, StatusCode::UNAUTHORIZED);
    assert_eq!(introspected().await, json!({"active": false}));
    let wrong = AuthErrorKind::WrongTokenType;
    assert_eq!(error_kind(issuer.verify(&token).await), wrong);
    assert_eq!(error_kind(issuer.refresh(&token, &setup.users).await), wrong);
    assert_eq!(error_kind(issuer.logout(&token).await), wrong);
    assert_eq!(error_kind(issuer.redeem_ticket(&token, "/").await), wrong);
}

#[tokio::test]
async fn a_rejected_token_can_still_be_redeemed() {
    let setup = Setup::new();
    let issuer = setup.issuer();
    let token = issue(&issuer).await;
    let other_type = TokenType::from("password_reset");
    let rejected = issuer.redeem::<Verification>(&other_type, &token).await;
    assert_eq!(error_kind(rejected), AuthErrorKind::WrongTokenType);
    let rejected = issuer.redeem::<Profile>(&verification(), &token).await;
    assert_eq!(error_kind(rejected), AuthErrorKind::InvalidClaims);
    let other = setup.builder().issuer("https://other.example").build().unwrap();
    assert_eq!(redeem(&other, &token).await, Err(AuthErrorKind::WrongIssuer));
    for failure in [StoreFailure::Errors, StoreFailure::Hangs] {
        let impatient = setup.builder().store_deadline(Duration::from_millis(20)).build().unwrap();
        setup.store.set_failure(failure);
        assert_eq!(redeem(&impatient, &token).await, Err(AuthErrorKind::Unavailable));
        let claims = NoClaims::default();
        let issued =
            impatient.issue_single_use(&verification(), HOUR, &UserId::from(1), &claims).await;
        assert_eq!(error_kind(issued), AuthErrorKind::Unavailable, "nothing is issued");
        setup.store.set_failure(StoreFailure::None);
    }
    assert_eq!(redeem(&issuer, &token).await, Ok(()));
}

#[tokio::test]
async fn revocations_apply_to_tokens_that_were_not_redeemed() {
    let setup = Setup::new();
    let issuer = setup.issuer();
    let user = UserId::from(1);
    let kept = issuer.login(&ada()).await.unwrap();
    for round in 0..3 {
        let (first, second, third) =
            (issue(&issuer).await, issue(&issuer).await, issue(&issuer).await);
        assert_eq!(redeem(&issuer, &first).await, Ok(()));
        let verifier = issuer.verifier_builder().token_type(verification()).build().unwrap();
        issuer.revoke_token(&verifier.verify(&second).unwrap()).await.unwrap();
        assert_eq!(redeem(&issuer, &second).await, Err(AuthErrorKind::Revoked));
        issuer.revoke_user(&UserId::from(2)).await.unwrap();
        match round {
            0 => issuer.revoke_user(&user).await.unwrap(),
            _ => issuer.revoke_other_sessions(&user, kept.session_id()).await.unwrap(),
        }
        assert_eq!(redeem(&issuer, &third).await, Err(AuthErrorKind::Revoked));
        // In the same second.
        let later = issue(&issuer).await;
        assert_eq!(redeem(&issuer, &later).await, Ok(()));
    }
}

/// After a restart the generation begins anew.
#[tokio::test]
async fn revocations_apply_to_tokens_from_before_the_loss_of_a_store() {
    let setup = Setup::new();
    let issuer = setup.issuer();
    for _ in 0..5 {
        issuer.revoke_user(&UserId::from(2)).await.unwrap();
    }
    let (token, kept) = (issue(&issuer).await, issue(&issuer).await);
    let restarted = setup.plain_builder().store(MemoryStore::new()).build().unwrap();
    assert_eq!(redeem(&restarted, &kept).await, Ok(()));
    setup.clock.advance(Duration::from_secs(1));
    restarted.revoke_user(&UserId::from(1)).await.unwrap();
    assert_eq!(redeem(&restarted, &token).await, Err(AuthErrorKind::Revoked));
}

#[tokio::test]
async fn a_plain_token_can_be_redeemed_too() {
    let setup = Setup::new();
    let issuer = setup.issuer();
    let plain = |id| {
        let claims = Verification { email: "ada@example.org".to_owned() };
        issuer.issue(&verification(), HOUR, &UserId::from(id), &claims).unwrap()
    };
    let (token, of_revoked, of_other) = (plain(1), plain(2), plain(3));
    assert_eq!(redeem(&issuer, &token).await, Ok(()));
    assert_eq!(redeem(&issuer, &token).await, Err(AuthErrorKind::Revoked));
    issuer.revoke_user(&UserId::from(2)).await.unwrap();
    assert_eq!(redeem(&issuer, &of_revoked).await, Err(AuthErrorKind::Revoked));
    assert_eq!(redeem(&issuer, &of_other).await, Ok(()));
    // Nobody can set the generation of such a token.
    #[derive(Serialize)]
    struct Forged {
        store_generation: u64,
    }
    let forged =
        issuer.issue(&verification(), HOUR, &UserId::from(1), &Forged { store_generation: 9 });
    assert_eq!(error_kind(forged), AuthErrorKind::Misconfigured);
    let invalid = format!(
        r#"{{"token_type":"email_verification","exp":{},"iat":{NOW},"jti":"7","user_id":"1",
        "email":"","store_generation":"1"}}"#,
        NOW + 60
    );
    let invalid = mint(SECRET, HEADER, &invalid);
    assert_eq!(redeem(&issuer, &invalid).await, Err(AuthErrorKind::InvalidClaims));
}

#[tokio::test]
async fn a_redeemed_token_is_remembered_until_it_expires() {
    let setup = Setup::new();
    let issuer = setup.builder().leeway(5 * MINUTE).build().unwrap();
    let token = issue(&issuer).await;
    redeem(&issuer, &token).await.unwrap();
    setup.clock.advance(HOUR + Duration::from_secs(299));
    setup.store.purge(setup.clock.now(), usize::MAX).await.unwrap();
    assert_eq!(redeem(&issuer, &token).await, Err(AuthErrorKind::Revoked));
    setup.clock.advance(Duration::from_secs(1));
    assert_eq!(redeem(&issuer, &token).await, Err(AuthErrorKind::Expired));
    assert_eq!(setup.store.inner.len(), 1, "it is kept a minute longer, since clocks differ");
    setup.clock.advance(MINUTE);
    setup.store.purge(setup.clock.now(), usize::MAX).await.unwrap();
    assert!(setup.store.inner.is_empty());
}

#[tokio::test]
async fn a_token_cannot_outlive_the_revocation_of_its_user() {
    let setup = Setup::new();
    let issuer = setup.builder().session_lifetime(DAY).leeway(MINUTE).build().unwrap();
    let (kind, user, claims) = (verification(), UserId::from(1), NoClaims::default());
    let second = Duration::from_secs(1);
    let rejected = issuer.issue_single_use(&kind, DAY + second, &user, &claims).await;
    assert_eq!(error_kind(rejected), AuthErrorKind::Misconfigured);
    let token = issuer.issue_single_use(&kind, DAY, &user, &claims).await.unwrap();
    issuer.revoke_user(&user).await.unwrap();
    setup.clock.advance(DAY + MINUTE - second);
    setup.store.purge(setup.clock.now(), usize::MAX).await.unwrap();
    let rejected = issuer.redeem::<NoClaims>(&kind, &token).await;
    assert_eq!(error_kind(rejected), AuthErrorKind::Revoked);
}

#[tokio::test]
async fn rejects_types_lifetimes_and_claims_that_cannot_be_redeemed() {
    let setup = Setup::new();
    let issuer = setup.issuer();
    let (user, claims) = (UserId::from(1), NoClaims::default());
    let tokens = issuer.login(&ada()).await.unwrap();
    for name in ["access", "refresh", "sliding", "ticket"] {
        for kind in [TokenType::from(name), TokenType::Custom(name.into())] {
            let issued = issuer.issue_single_use(&kind, HOUR, &user, &claims).await;
            assert_eq!(error_kind(issued), AuthErrorKind::Misconfigured, "{name}");
            for token in [tokens.access(), refresh_of(&tokens)] {
                let redeemed = issuer.redeem::<NoClaims>(&kind, token).await;
                assert_eq!(error_kind(redeemed), AuthErrorKind::Misconfigured, "{name}");
            }
        }
    }
    assert!(issuer.verify(tokens.access()).await.is_ok(), "no token was used");
    for lifetime in [Duration::ZERO, Duration::from_millis(999)] {
        let issued = issuer.issue_single_use(&verification(), lifetime, &user, &claims).await;
        assert_eq!(error_kind(issued), AuthErrorKind::Misconfigured);
    }
    let long = Verification { email: "a".repeat(8 * 1024) };
    let issued = issuer.issue_single_use(&verification(), HOUR, &user, &long).await;
    assert_eq!(error_kind(issued), AuthErrorKind::Misconfigured, "no verifier accepts it");

    let plain = setup.plain_builder().build().unwrap();
    let issued = plain.issue_single_use(&verification(), HOUR, &user, &claims).await;
    assert_eq!(error_kind(issued), AuthErrorKind::Misconfigured, "there is no store");
    let token = issue(&issuer).await;
    assert_eq!(redeem(&plain, &token).await, Err(AuthErrorKind::Misconfigured));
    assert_eq!(redeem(&issuer, &token).await, Ok(()));
}
