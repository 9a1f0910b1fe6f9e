//! Rotation: the first use of a refresh token wins. Later uses end the session, except within the
//! grace.

use std::time::Duration;

use serde_json::Value;
use tower_jwt_auth::{
    AuthErrorKind, Issuer, NumericDate, issue::Tokens, store::TokenStore, token::UserId,
};

use crate::support::login::{
    DAY, MINUTE, NOW, Profile, Setup, ada, error_kind, payload, refresh_of,
};

async fn refresh(setup: &Setup, issuer: &Issuer<Profile>, tokens: &Tokens) -> Tokens {
    issuer.refresh(refresh_of(tokens), &setup.users).await.unwrap()
}

async fn refresh_error(setup: &Setup, issuer: &Issuer<Profile>, tokens: &Tokens) -> AuthErrorKind {
    error_kind(issuer.refresh(refresh_of(tokens), &setup.users).await)
}

#[tokio::test]
async fn each_refresh_token_can_be_used_once() {
    let setup = Setup::new();
    let issuer = setup.issuer();
    let mut tokens = issuer.login(&ada()).await.unwrap();
    for _ in 0..5 {
        let next = refresh(&setup, &issuer, &tokens).await;
        assert_ne!(payload(refresh_of(&next))["jti"], payload(refresh_of(&tokens))["jti"]);
        // Verifying a spent token fails but does not end the session.
        assert_eq!(error_kind(issuer.verify(refresh_of(&tokens)).await), AuthErrorKind::Revoked);
        assert!(issuer.verify(refresh_of(&next)).await.is_ok());
        tokens = next;
    }
}

#[tokio::test]
async fn reuse_ends_the_session_and_emits_one_event() {
    let setup = Setup::new();
    let issuer = setup.issuer();
    let first = issuer.login(&ada()).await.unwrap();
    let bystander = issuer.login(&ada()).await.unwrap();
    let second = refresh(&setup, &issuer, &first).await;
    let third = refresh(&setup, &issuer, &second).await;
    setup.events.take();

    // The newest refresh token and the access tokens are revoked with the session.
    assert_eq!(refresh_error(&setup, &issuer, &first).await, AuthErrorKind::Reused);
    assert_eq!(setup.events.take(), [format!("ReuseDetected 1 {}", first.session_id())]);
    for tokens in [&third, &second, &first] {
        assert_eq!(refresh_error(&setup, &issuer, tokens).await, AuthErrorKind::Revoked);
        assert_eq!(error_kind(issuer.verify(tokens.access()).await), AuthErrorKind::Revoked);
        assert_eq!(error_kind(issuer.verify(refresh_of(tokens)).await), AuthErrorKind::Revoked);
    }
    assert!(setup.events.take().is_empty());
    assert!(issuer.verify(bystander.access()).await.is_ok());
    refresh(&setup, &issuer, &bystander).await;
}

#[tokio::test]
async fn detects_reuse_until_the_spent_token_expires() {
    let setup = Setup::new();
    let issuer = setup.builder().leeway(MINUTE).build().unwrap();
    let first = issuer.login(&ada()).await.unwrap();
    let second = refresh(&setup, &issuer, &first).await;
    setup.clock.set(NumericDate::from_secs(NOW + 86_400 + 59));
    setup.store.purge(setup.clock.now(), usize::MAX).await.unwrap();
    assert_eq!(refresh_error(&setup, &issuer, &first).await, AuthErrorKind::Reused);
    assert_eq!(refresh_error(&setup, &issuer, &second).await, AuthErrorKind::Revoked);
}

#[tokio::test]
async fn within_the_grace_every_refresh_returns_the_same_successor() {
    let setup = Setup::new();
    let issuer = setup.builder().reuse_grace(MINUTE).build().unwrap();
    let first = issuer.login(&ada()).await.unwrap();
    let ids = |tokens: &Tokens| -> [Value; 5] {
        let claims = payload(refresh_of(tokens));
        ["jti", "exp", "iat", "sid", "auth_time"].map(|name| claims[name].clone())
    };
    setup.clock.advance(MINUTE);
    let second = refresh(&setup, &issuer, &first).await;
    setup.events.take();
    for _ in 0..3 {
        setup.clock.advance(Duration::from_secs(19));
        let again = refresh(&setup, &issuer, &first).await;
        assert_eq!(ids(&again), ids(&second));
        assert!(issuer.verify(again.access()).await.is_ok());
    }
    let jti = |tokens: &Tokens| ids(tokens)[0].as_str().unwrap().to_owned();
    let ids = format!("1 {} {} {}", first.session_id(), jti(&first), jti(&second));
    let replayed = [79, 98, 117].map(|secs| format!("Replayed {ids} [60, {secs}]"));
    assert_eq!(setup.events.take(), replayed);
    // The grace counts from the first use, however often the token was used since.
    setup.clock.advance(Duration::from_secs(3));
    assert_eq!(refresh_error(&setup, &issuer, &first).await, AuthErrorKind::Reused);
    assert_eq!(refresh_error(&setup, &issuer, &second).await, AuthErrorKind::Revoked);
}

#[tokio::test]
async fn the_grace_is_ten_seconds_by_default() {
    let setup = Setup::new();
    let builder = setup.plain_builder().store(setup.store.clone()).rotate_refresh_tokens(true);
    let issuer = builder.build().unwrap();
    let jti = |tokens: &Tokens| payload(refresh_of(tokens))["jti"].clone();
    let first = issuer.login(&ada()).await.unwrap();
    // Two tabs refresh at the same time.
    let one = refresh(&setup, &issuer, &first).await;
    let other = refresh(&setup, &issuer, &first).await;
    assert_eq!(jti(&one), jti(&other));
    assert!(
        issuer.verify(one.access()).await.is_ok() && issuer.verify(other.access()).await.is_ok()
    );
    setup.clock.advance(Duration::from_secs(9));
    refresh(&setup, &issuer, &first).await;
    setup.clock.advance(Duration::from_secs(1));
    assert_eq!(refresh_error(&setup, &issuer, &first).await, AuthErrorKind::Reused);
}

#[tokio::test]
async fn a_repeated_successor_can_be_spent() {
    let setup = Setup::new();
    let issuer = setup.builder().reuse_grace(MINUTE).build().unwrap();
    let first = issuer.login(&ada()).await.unwrap();
    refresh(&setup, &issuer, &first).await;
    let again = refresh(&setup, &issuer, &first).await;
    let third = refresh(&setup, &issuer, &again).await;
    assert!(issuer.verify(refresh_of(&third)).await.is_ok());
}

#[tokio::test]
async fn the_grace_ends_when_the_successor_is_spent() {
    let setup = Setup::new();
    let issuer = setup.builder().reuse_grace(MINUTE).build().unwrap();
    let first = issuer.login(&ada()).await.unwrap();
    let second = refresh(&setup, &issuer, &first).await;
    let third = refresh(&setup, &issuer, &second).await;
    // Its own grace is not over, but its successor was spent.
    assert_eq!(refresh_error(&setup, &issuer, &first).await, AuthErrorKind::Reused);
    assert_eq!(refresh_error(&setup, &issuer, &third).await, AuthErrorKind::Revoked);
}

#[tokio::test]
async fn without_grace_the_second_use_is_reuse() {
    let setup = Setup::new();
    let issuer = setup.issuer();
    let first = issuer.login(&ada()).await.unwrap();
    refresh(&setup, &issuer, &first).await;
    assert_eq!(refresh_error(&setup, &issuer, &first).await, AuthErrorKind::Reused);
}

#[tokio::test]
async fn a_repeated_successor_does_not_outlive_the_session() {
    let setup = Setup::new();
    let issuer = setup.builder().reuse_grace(MINUTE).session_lifetime(DAY).build().unwrap();
    let first = issuer.login(&ada()).await.unwrap();
    setup.clock.set(NumericDate::from_secs(NOW + 86_400 - 30));
    let second = refresh(&setup, &issuer, &first).await;
    setup.clock.advance(Duration::from_secs(29));
    let again = refresh(&setup, &issuer, &first).await;
    assert_eq!(payload(refresh_of(&again))["exp"], payload(refresh_of(&second))["exp"]);
    assert_eq!(payload(again.access())["exp"], NOW + 86_400);
    setup.clock.advance(Duration::from_secs(1));
    assert_eq!(refresh_error(&setup, &issuer, &first).await, AuthErrorKind::Expired);
}

#[tokio::test]
async fn lists_sessions_with_their_times() {
    let setup = Setup::new();
    let issuer = setup.issuer();
    let user = UserId::from(1);
    assert_eq!(issuer.sessions(&user).await.unwrap().len(), 0);
    let first = issuer.login(&ada()).await.unwrap();
    setup.clock.advance(MINUTE);
    let second = issuer.login(&ada()).await.unwrap();
    setup.clock.advance(MINUTE);
    refresh(&setup, &issuer, &first).await;

    let mut sessions = issuer.sessions(&user).await.unwrap();
    sessions.sort_by_key(|session| session.created_at);
    let listed: Vec<_> = sessions
        .iter()
        .map(|session| {
            let times = [session.created_at, session.last_used_at, session.expires_at];
            (&*session.id, times.map(|time| time.as_secs() - NOW))
        })
        .collect();
    assert_eq!(
        listed,
        [
            (first.session_id(), [0, 120, 120 + 86_400]),
            (second.session_id(), [60, 60, 60 + 86_400])
        ]
    );
    assert_eq!(issuer.sessions(&UserId::from(2)).await.unwrap().len(), 0);

    setup.clock.set(NumericDate::from_secs(NOW + 60 + 86_400));
    let sessions = issuer.sessions(&user).await.unwrap();
    assert_eq!(
        sessions.iter().map(|session| &*session.id).collect::<Vec<_>>(),
        [first.session_id()]
    );
}
