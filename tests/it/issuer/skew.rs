//! Two copies of an issuer whose clocks differ.

use std::time::Duration;

use axum::{Router, body::Body, routing::get};
use http::{Request, header::AUTHORIZATION};
use tower_jwt_auth::{AuthErrorKind, Claims, Issuer, ManualClock, NumericDate};

use crate::support::{
    login::{HEADER, NOW, Profile, SECRET, Setup, ada, error_kind, mint, refresh_of},
    reply::send,
};

/// Another process, with the same key and store.
fn copy(setup: &Setup, at: u64) -> Issuer<Profile> {
    let clock = ManualClock::new(NumericDate::from_secs(at));
    setup.builder().clock(&clock).build().unwrap()
}

/// The status and the code of the response to a request behind the layer of `issuer`.
async fn through_the_layer(issuer: &Issuer<Profile>, token: &str) -> (u16, String) {
    let app = Router::new()
        .route("/", get(async |claims: Claims<Profile>| claims.username.clone()))
        .layer(issuer.layer());
    let request = Request::get("/").header(AUTHORIZATION, format!("Bearer {token}"));
    let reply = send(&app, request.body(Body::empty()).unwrap()).await;
    let code = if reply.status == 200 { String::new() } else { reply.json()["code"].to_string() };
    (reply.status.as_u16(), code)
}

#[tokio::test]
async fn a_copy_up_to_60_seconds_behind_accepts_fresh_tokens() {
    for behind in [0, 1, 59, 60] {
        let setup = Setup::new();
        let tokens = setup.issuer().login(&ada()).await.unwrap();
        let copy = copy(&setup, NOW - behind);
        for token in [tokens.access(), refresh_of(&tokens)] {
            assert!(copy.verify(token).await.is_ok(), "{behind}");
        }
        assert!(copy.verifier().verify(tokens.access()).is_ok(), "{behind}");
        assert_eq!(through_the_layer(&copy, tokens.access()).await.0, 200, "{behind}");
        // What the copy issues is older, and valid at both.
        let next = copy.refresh(refresh_of(&tokens), &setup.users).await.unwrap();
        for issuer in [&copy, &setup.issuer()] {
            assert_eq!(through_the_layer(issuer, next.access()).await.0, 200, "{behind}");
            assert!(issuer.verify(refresh_of(&next)).await.is_ok(), "{behind}");
        }
        copy.logout(refresh_of(&next)).await.unwrap();
        assert_eq!(through_the_layer(&setup.issuer(), next.access()).await.0, 401, "{behind}");
    }
}

#[tokio::test]
async fn a_copy_more_than_60_seconds_behind_rejects_fresh_tokens() {
    let setup = Setup::new();
    let tokens = setup.issuer().login(&ada()).await.unwrap();
    let copy = copy(&setup, NOW - 61);
    for token in [tokens.access(), refresh_of(&tokens)] {
        assert_eq!(error_kind(copy.verify(token).await), AuthErrorKind::NotYetValid);
    }
    let rejected = (401, r#""token_not_yet_valid""#.to_owned());
    assert_eq!(through_the_layer(&copy, tokens.access()).await, rejected);
    let refreshed = copy.refresh(refresh_of(&tokens), &setup.users).await;
    assert_eq!(error_kind(refreshed), AuthErrorKind::NotYetValid);
    assert_eq!(error_kind(copy.logout(refresh_of(&tokens)).await), AuthErrorKind::NotYetValid);
    assert!(setup.issuer().refresh(refresh_of(&tokens), &setup.users).await.is_ok());
}

/// The skew is for `iat` and `nbf` alone, and for each of them.
#[tokio::test]
async fn the_skew_does_not_extend_the_lifetime_of_tokens() {
    let setup = Setup::new();
    let token = |iat: u64, nbf: u64, exp: u64| {
        let payload = format!(
            r#"{{"token_type":"access","iat":{iat},"nbf":{nbf},"exp":{exp},"jti":"j","user_id":"1","username":"ada"}}"#
        );
        mint(SECRET, HEADER, &payload)
    };
    let issuer = setup.issuer();
    for (iat, nbf, exp, code) in [
        (NOW + 60, NOW + 60, NOW + 300, ""),
        (NOW + 61, NOW, NOW + 300, r#""token_not_yet_valid""#),
        (NOW, NOW + 61, NOW + 300, r#""token_not_yet_valid""#),
        (NOW - 300, NOW - 300, NOW + 1, ""),
        (NOW - 300, NOW - 300, NOW, r#""token_expired""#),
        (NOW - 300, NOW - 300, NOW - 59, r#""token_expired""#),
    ] {
        let token = token(iat, nbf, exp);
        assert_eq!(issuer.verify(&token).await.is_ok(), code.is_empty(), "{iat} {nbf} {exp}");
        assert_eq!(through_the_layer(&issuer, &token).await.1, code, "{iat} {nbf} {exp}");
    }
}

#[tokio::test]
async fn the_skew_can_be_set() {
    let setup = Setup::new();
    let tokens = setup.issuer().login(&ada()).await.unwrap();
    for (skew, behind, status) in [(0, 0, 200), (0, 1, 401), (5, 5, 200), (5, 6, 401)] {
        let clock = ManualClock::new(NumericDate::from_secs(NOW - behind));
        let issuer = setup.builder().clock(&clock).clock_skew(Duration::from_secs(skew));
        let issuer = issuer.build().unwrap();
        assert_eq!(through_the_layer(&issuer, tokens.access()).await.0, status, "{skew} {behind}");
        assert_eq!(issuer.verify(refresh_of(&tokens)).await.is_ok(), status == 200);
    }
}
