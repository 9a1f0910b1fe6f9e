//! Refresh tokens without `sid`, as SimpleJWT issues them with the same secret.

use axum::{Router, body::Body, routing::get};
use http::Request;
use serde_json::json;
use tower::layer::util::Identity;
use tower_jwt_auth::{
    AuthErrorKind, ConfigErrorKind, Issuer, NumericDate, RegisteredClaims, TokenRoutes,
    guard::RequireLayer,
    issue::{Adoption, IssuerBuilder},
    routes::OAuthRoutes,
    store::TokenStore,
    token::{StepUp, UserId},
    user::BackendError,
};

use crate::support::{
    login::{
        DAY, HEADER, HOUR, NOW, Profile, SECRET, Setup, ada, error_kind, mint, payload, refresh_of,
        simplejwt_refresh,
    },
    reply::{post, send},
};

const JTI: &str = "5f8b6c2d9e0a4f31b7c8d9e0f1a2b3c4";

fn forever() -> Adoption {
    Adoption::insecure_unchecked_until(NumericDate::MAX)
}

fn builder(setup: &Setup) -> IssuerBuilder<Profile> {
    setup.builder().adopt_refresh_tokens(forever())
}

fn issuer(setup: &Setup) -> Issuer<Profile> {
    builder(setup).build().unwrap()
}

#[tokio::test]
async fn rejects_tokens_without_a_session_id_by_default() {
    let setup = Setup::new();
    let foreign = simplejwt_refresh(JTI, DAY);
    let stored = setup.plain_builder().store(setup.store.clone()).build().unwrap();
    for issuer in [setup.issuer(), stored, setup.plain_builder().build().unwrap()] {
        let refreshed = issuer.refresh(&foreign, &setup.users).await;
        assert_eq!(error_kind(refreshed), AuthErrorKind::InvalidClaims);
        assert!(issuer.verify(&foreign).await.is_err());
    }
    assert!(setup.store.inner.is_empty());
    let error = setup.plain_builder().adopt_refresh_tokens(forever()).build().unwrap_err();
    assert_eq!(error.kind(), ConfigErrorKind::Ineffective);
}

#[tokio::test]
async fn adoption_ends_at_its_date() {
    let setup = Setup::new();
    let end = NumericDate::from_secs(NOW + 3600);
    let adoption = Adoption::insecure_unchecked_until(end);
    let issuer = setup.builder().adopt_refresh_tokens(adoption).build().unwrap();
    let tokens = issuer.refresh(&simplejwt_refresh(JTI, DAY), &setup.users).await.unwrap();
    setup.clock.set(end);
    let late = issuer.refresh(&simplejwt_refresh("late", DAY), &setup.users).await;
    assert_eq!(error_kind(late), AuthErrorKind::InvalidClaims);
    // The session of an adopted token continues.
    assert!(issuer.refresh(refresh_of(&tokens), &setup.users).await.is_ok());
}

#[tokio::test]
async fn rejects_tokens_that_the_old_store_had_revoked() {
    let setup = Setup::new();
    let adoption = Adoption::until(NumericDate::MAX, |claims: RegisteredClaims| async move {
        match claims.jti() {
            Some("revoked") => Ok(true),
            Some("unknown") => Err(BackendError::unavailable("down")),
            _ => Ok(false),
        }
    });
    let issuer = setup.builder().adopt_refresh_tokens(adoption).build().unwrap();
    for (jti, kind) in
        [("revoked", AuthErrorKind::Revoked), ("unknown", AuthErrorKind::Unavailable)]
    {
        let foreign = simplejwt_refresh(jti, DAY);
        assert_eq!(error_kind(issuer.refresh(&foreign, &setup.users).await), kind);
        assert_eq!(error_kind(issuer.verify(&foreign).await), kind);
    }
    assert!(setup.store.inner.is_empty());
    assert!(issuer.refresh(&simplejwt_refresh(JTI, DAY), &setup.users).await.is_ok());
}

#[tokio::test]
async fn the_jti_of_an_adopted_token_is_its_session_id() {
    let setup = Setup::new();
    let issuer = issuer(&setup);
    let foreign = simplejwt_refresh(JTI, DAY);
    setup.clock.advance(HOUR);
    assert!(issuer.verify(&foreign).await.is_ok());

    let tokens = issuer.refresh(&foreign, &setup.users).await.unwrap();
    assert_eq!(tokens.session_id(), JTI);
    assert_eq!(payload(tokens.access())["sid"], JTI);
    let refresh = payload(refresh_of(&tokens));
    assert_eq!((&refresh["sid"], &refresh["session_start"]), (&json!(JTI), &json!(NOW)));
    assert_ne!(refresh["jti"], JTI);
    let sessions = issuer.sessions(&UserId::from(1)).await.unwrap();
    assert_eq!(sessions.iter().map(|session| &*session.id).collect::<Vec<_>>(), [JTI]);
    assert_eq!(sessions[0].created_at, NumericDate::from_secs(NOW));

    let next = issuer.refresh(refresh_of(&tokens), &setup.users).await.unwrap();
    assert_eq!(next.session_id(), JTI);
    assert_eq!(error_kind(issuer.verify(&foreign).await), AuthErrorKind::Revoked);
    setup.events.take();
    let reused = issuer.refresh(&foreign, &setup.users).await;
    assert_eq!(error_kind(reused), AuthErrorKind::Reused);
    assert_eq!(setup.events.take(), [format!("ReuseDetected 1 {JTI}")]);
    let dead = issuer.refresh(refresh_of(&next), &setup.users).await;
    assert_eq!(error_kind(dead), AuthErrorKind::Revoked);
}

#[tokio::test]
async fn detects_reuse_of_an_adopted_token() {
    let setup = Setup::new();
    let issuer = issuer(&setup);
    let foreign = simplejwt_refresh(JTI, DAY);
    let tokens = issuer.refresh(&foreign, &setup.users).await.unwrap();
    let reused = issuer.refresh(&foreign, &setup.users).await;
    assert_eq!(error_kind(reused), AuthErrorKind::Reused);
    let dead = issuer.refresh(refresh_of(&tokens), &setup.users).await;
    assert_eq!(error_kind(dead), AuthErrorKind::Revoked);
}

#[tokio::test]
async fn the_grace_applies_to_adopted_tokens() {
    let setup = Setup::new();
    let issuer = builder(&setup).reuse_grace(crate::support::login::MINUTE).build().unwrap();
    let foreign = simplejwt_refresh(JTI, DAY);
    let tokens = issuer.refresh(&foreign, &setup.users).await.unwrap();
    let again = issuer.refresh(&foreign, &setup.users).await.unwrap();
    assert_eq!(payload(refresh_of(&again))["jti"], payload(refresh_of(&tokens))["jti"]);
}

#[tokio::test]
async fn accepts_a_number_as_user_id() {
    let setup = Setup::new();
    let issuer = issuer(&setup);
    let payload = format!(
        r#"{{"token_type":"refresh","exp":{},"iat":{NOW},"jti":"{JTI}","user_id":1}}"#,
        NOW + 60
    );
    let foreign = mint(SECRET, HEADER, &payload);
    let tokens = issuer.refresh(&foreign, &setup.users).await.unwrap();
    assert_eq!(issuer.verifier().verify(tokens.access()).unwrap().user_id(), "1");
    assert_eq!(error_kind(issuer.refresh(&foreign, &setup.users).await), AuthErrorKind::Reused);
}

#[tokio::test]
async fn an_adopted_token_cannot_be_adopted_again() {
    let setup = Setup::new();
    let issuer = builder(&setup).session_lifetime(None).build().unwrap();
    let foreign = simplejwt_refresh(JTI, 30 * DAY);
    issuer.refresh(&foreign, &setup.users).await.unwrap();
    for day in 1..30 {
        setup.clock.set(NumericDate::from_secs(NOW + day * 86_400));
        setup.store.purge(setup.clock.now(), usize::MAX).await.unwrap();
        assert_eq!(error_kind(issuer.verify(&foreign).await), AuthErrorKind::Revoked, "day {day}");
    }
    assert_eq!(error_kind(issuer.refresh(&foreign, &setup.users).await), AuthErrorKind::Reused);
}

#[tokio::test]
async fn an_adopted_session_begins_when_its_token_was_issued() {
    let setup = Setup::new();
    let issuer = builder(&setup).session_lifetime(2 * DAY).build().unwrap();
    let foreign = simplejwt_refresh(JTI, 30 * DAY);
    setup.clock.advance(2 * DAY - HOUR);
    let tokens = issuer.refresh(&foreign, &setup.users).await.unwrap();
    assert_eq!(payload(refresh_of(&tokens))["exp"], NOW + 2 * 86_400);
    let late = simplejwt_refresh("another", 30 * DAY);
    setup.clock.advance(HOUR);
    assert_eq!(error_kind(issuer.refresh(&late, &setup.users).await), AuthErrorKind::Expired);
}

/// An earlier system issued the token. When its user logged in there is not known.
#[tokio::test]
async fn an_adopted_session_is_no_recent_login() {
    let setup = Setup::new();
    let issuer = builder(&setup).access_auth_time(true).session_lifetime(2 * DAY).build().unwrap();
    let step_up = StepUp::builder().max_age(DAY).clock(setup.clock.clone()).build().unwrap();
    let app = Router::new()
        .route("/", get(|| async {}))
        .route_layer(RequireLayer::step_up(step_up))
        .route_layer(issuer.layer());
    let status = async |access: &str| {
        let request = Request::get("/").header("authorization", format!("Bearer {access}"));
        send(&app, request.body(Body::empty()).unwrap()).await.status
    };

    let mut token = simplejwt_refresh(JTI, 30 * DAY);
    for _ in 0..3 {
        setup.clock.advance(HOUR);
        let tokens = issuer.refresh(&token, &setup.users).await.unwrap();
        assert_eq!(payload(tokens.access()).get("auth_time"), None);
        assert_eq!(status(tokens.access()).await, 401);
        token = refresh_of(&tokens).to_owned();
        assert_eq!(payload(&token).get("auth_time"), None);
        assert_eq!(payload(&token)["session_start"], NOW);
    }
    setup.clock.set(NumericDate::from_secs(NOW + 2 * 86_400));
    let ended = issuer.refresh(&token, &setup.users).await;
    assert_eq!(error_kind(ended), AuthErrorKind::Expired);

    let login = issuer.login(&ada()).await.unwrap();
    assert_eq!(status(login.access()).await, 200);
    let refreshed = issuer.refresh(refresh_of(&login), &setup.users).await.unwrap();
    assert_eq!(status(refreshed.access()).await, 200);
}

#[tokio::test]
async fn logout_revokes_a_token_before_and_after_its_adoption() {
    let setup = Setup::new();
    let issuer = builder(&setup).session_lifetime(None).build().unwrap();
    let unused = simplejwt_refresh("unused", 30 * DAY);
    issuer.logout(&unused).await.unwrap();
    let used = simplejwt_refresh("used", 30 * DAY);
    let tokens = issuer.refresh(&used, &setup.users).await.unwrap();
    issuer.logout(&used).await.unwrap();
    assert_eq!(error_kind(issuer.verify(tokens.access()).await), AuthErrorKind::Revoked);
    let dead = issuer.refresh(refresh_of(&tokens), &setup.users).await;
    assert_eq!(error_kind(dead), AuthErrorKind::Revoked);
    for day in 0..30 {
        setup.clock.set(NumericDate::from_secs(NOW + day * 86_400));
        setup.store.purge(setup.clock.now(), usize::MAX).await.unwrap();
        for token in [&unused, &used] {
            let rejected = issuer.refresh(token, &setup.users).await;
            assert_eq!(error_kind(rejected), AuthErrorKind::Revoked, "day {day}");
        }
    }
}

#[tokio::test]
async fn revoke_user_prevents_adoption_until_the_token_expires() {
    let setup = Setup::new();
    for (lifetime, last) in
        [(Some(10 * DAY), AuthErrorKind::Expired), (None, AuthErrorKind::Revoked)]
    {
        setup.clock.set(NumericDate::from_secs(NOW));
        let issuer = builder(&setup).session_lifetime(lifetime).build().unwrap();
        let foreign = simplejwt_refresh(JTI, 40 * DAY);
        issuer.revoke_user(&UserId::from(1)).await.unwrap();
        for day in 0..39 {
            setup.clock.set(NumericDate::from_secs(NOW + day * 86_400));
            setup.store.purge(setup.clock.now(), usize::MAX).await.unwrap();
            let expected = if day < 10 { AuthErrorKind::Revoked } else { last };
            let rejected = issuer.refresh(&foreign, &setup.users).await;
            assert_eq!(error_kind(rejected), expected, "day {day}");
        }
    }
}

#[tokio::test]
async fn without_rotation_a_token_can_be_used_until_logout() {
    let setup = Setup::new();
    let issuer = setup
        .plain_builder()
        .store(setup.store.clone())
        .adopt_refresh_tokens(forever())
        .build()
        .unwrap();
    let foreign = simplejwt_refresh(JTI, DAY);
    for _ in 0..2 {
        let tokens = issuer.refresh(&foreign, &setup.users).await.unwrap();
        assert_eq!((tokens.session_id(), tokens.refresh()), (JTI, None));
    }
    let access = issuer.refresh(&foreign, &setup.users).await.unwrap();
    issuer.logout(&foreign).await.unwrap();
    assert_eq!(error_kind(issuer.refresh(&foreign, &setup.users).await), AuthErrorKind::Revoked);
    assert_eq!(error_kind(issuer.verify(access.access()).await), AuthErrorKind::Revoked);
}

/// Otherwise the adopted session would outlive the revocation.
#[tokio::test]
async fn without_rotation_a_revocation_during_the_adoption_prevents_it() {
    let setup = Setup::new();
    let builder = setup.plain_builder().store(setup.store.clone());
    let issuer = builder.adopt_refresh_tokens(forever()).build().unwrap();
    setup.store.revoke_after_check(UserId::from(1), setup.clock.now());
    let refreshed = issuer.refresh(&simplejwt_refresh(JTI, DAY), &setup.users).await;
    assert_eq!(error_kind(refreshed), AuthErrorKind::Revoked);
    assert!(issuer.sessions(&UserId::from(1)).await.unwrap().is_empty());
}

#[tokio::test]
async fn rejects_tokens_with_an_unknown_session_id() {
    let setup = Setup::new();
    let issuer = issuer(&setup);
    let payload = format!(
        r#"{{"token_type":"refresh","exp":{},"iat":{NOW},"jti":"{JTI}","user_id":"1","sid":"s"}}"#,
        NOW + 60
    );
    let stranger = mint(SECRET, HEADER, &payload);
    assert_eq!(error_kind(issuer.refresh(&stranger, &setup.users).await), AuthErrorKind::Revoked);
    assert_eq!(error_kind(issuer.verify(&stranger).await), AuthErrorKind::Revoked);
}

/// It is as invalid as it is at a refresh.
#[tokio::test]
async fn logout_rejects_tokens_that_cannot_be_adopted() {
    let setup = Setup::new();
    let foreign = simplejwt_refresh(JTI, 2 * DAY);
    let end = NumericDate::from_secs(NOW + 3600);
    let adopting = setup.builder().adopt_refresh_tokens(Adoption::insecure_unchecked_until(end));
    for issuer in [setup.issuer(), adopting.build().unwrap()] {
        setup.clock.set(end);
        assert_eq!(error_kind(issuer.logout(&foreign).await), AuthErrorKind::InvalidClaims);
        let app = TokenRoutes::new(issuer.clone(), setup.users.clone()).into_router();
        for (path, field) in
            [("/blacklist", "refresh"), ("/verify", "token"), ("/refresh", "refresh")]
        {
            let reply = send(&app, post(path, json!({ field: foreign }).to_string())).await;
            let code = reply.json()["code"].clone();
            assert_eq!((reply.status.as_u16(), code), (401, json!("token_invalid")), "{path}");
        }
        // RFC 7009 section 2.2: an invalid token needs no revocation.
        let routes = OAuthRoutes::builder(issuer, Identity::new()).build().unwrap();
        let revoke = Request::post("/revoke")
            .header("content-type", "application/x-www-form-urlencoded")
            .body(Body::from(format!("token={foreign}")));
        assert_eq!(send(&routes.into_router(), revoke.unwrap()).await.status, 200);
        assert!(setup.store.inner.is_empty());
        assert!(setup.events.take().is_empty());
    }
}

/// More is revoked than need be, which is safe. The earlier system may be out of reach by then.
#[tokio::test]
async fn logout_does_not_ask_the_old_store() {
    let setup = Setup::new();
    let adoption = Adoption::until(NumericDate::MAX, |claims: RegisteredClaims| async move {
        if claims.jti() == Some("revoked") { Ok(true) } else { Err(BackendError::unavailable("")) }
    });
    let issuer = setup.builder().adopt_refresh_tokens(adoption).build().unwrap();
    for jti in ["revoked", "unknown"] {
        issuer.logout(&simplejwt_refresh(jti, DAY)).await.unwrap();
    }
}
