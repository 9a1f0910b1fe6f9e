//! The sessions of a user: limit, labels, list; and health checks of the store.

use std::{num::NonZeroUsize, time::Duration};

use tower_jwt_auth::{AuthErrorKind, Issuer, issue::Tokens, token::UserId, user::User};

use crate::support::{
    flaky::StoreFailure,
    login::{MINUTE, Profile, Setup, ada, error_kind, refresh_of},
};

fn limited(setup: &Setup, limit: usize) -> Issuer<Profile> {
    setup.builder().sessions_per_user(NonZeroUsize::new(limit)).build().unwrap()
}

/// The sorted ids of ada's sessions.
async fn sessions(issuer: &Issuer<Profile>) -> Vec<String> {
    let sessions = issuer.sessions(&UserId::from(1)).await.unwrap();
    let mut ids: Vec<_> = sessions.into_iter().map(|session| session.id.into()).collect();
    ids.sort_unstable();
    ids
}

fn ids<const N: usize>(tokens: [&Tokens; N]) -> Vec<String> {
    let mut ids: Vec<_> = tokens.map(|tokens| tokens.session_id().to_owned()).into();
    ids.sort_unstable();
    ids
}

#[tokio::test]
async fn a_login_beyond_the_limit_ends_the_least_recently_used_session() {
    let setup = Setup::new();
    let issuer = limited(&setup, 2);
    let mut first = issuer.login(&ada()).await.unwrap();
    setup.clock.advance(MINUTE);
    let second = issuer.login(&ada()).await.unwrap();
    assert_eq!(sessions(&issuer).await, ids([&first, &second]));
    setup.clock.advance(MINUTE);
    first = issuer.refresh(refresh_of(&first), &setup.users).await.unwrap();
    setup.clock.advance(MINUTE);

    setup.events.take();
    let third = issuer.login(&ada()).await.unwrap();
    let events = [("LoginSucceeded", &third), ("SessionDisplaced", &second)];
    let events = events.map(|(event, tokens)| format!("{event} 1 {}", tokens.session_id()));
    assert_eq!(setup.events.take(), events);
    assert_eq!(sessions(&issuer).await, ids([&first, &third]));
    let rejected = issuer.refresh(refresh_of(&second), &setup.users).await;
    assert_eq!(error_kind(rejected), AuthErrorKind::Revoked);
    assert_eq!(error_kind(issuer.verify(second.access()).await), AuthErrorKind::Revoked);
    for tokens in [&first, &third] {
        assert!(issuer.verify(tokens.access()).await.is_ok());
        assert!(issuer.refresh(refresh_of(tokens), &setup.users).await.is_ok());
    }
}

#[tokio::test]
async fn a_limit_of_one_keeps_only_the_last_login() {
    let setup = Setup::new();
    let issuer = limited(&setup, 1);
    let other_user = User::new(2, Profile { username: "bob".to_owned() });
    let bobs = issuer.login(&other_user).await.unwrap();
    let mut last = issuer.login(&ada()).await.unwrap();
    for _ in 0..5 {
        let next = issuer.login(&ada()).await.unwrap();
        assert_eq!(sessions(&issuer).await, ids([&next]));
        assert_eq!(error_kind(issuer.verify(last.access()).await), AuthErrorKind::Revoked);
        last = next;
    }
    assert!(issuer.verify(bobs.access()).await.is_ok());
}

#[tokio::test]
async fn ended_sessions_do_not_count() {
    let setup = Setup::new();
    let issuer = limited(&setup, 2);
    let ended = issuer.login(&ada()).await.unwrap();
    let kept = issuer.login(&ada()).await.unwrap();
    issuer.logout(refresh_of(&ended)).await.unwrap();
    setup.clock.advance(MINUTE);
    let new = issuer.login(&ada()).await.unwrap();
    assert_eq!(sessions(&issuer).await, ids([&kept, &new]));
}

#[tokio::test]
async fn the_limit_is_a_hundred_by_default() {
    let setup = Setup::new();
    let issuer = setup.issuer();
    let first = issuer.login(&ada()).await.unwrap();
    for _ in 0..99 {
        setup.clock.advance(MINUTE);
        issuer.login(&ada()).await.unwrap();
    }
    assert!(issuer.verify(refresh_of(&first)).await.is_ok());
    setup.events.take();
    let tokens = issuer.login(&ada()).await.unwrap();
    let events = [("LoginSucceeded", &tokens), ("SessionDisplaced", &first)];
    let events = events.map(|(event, tokens)| format!("{event} 1 {}", tokens.session_id()));
    assert_eq!(setup.events.take(), events);
    assert_eq!(error_kind(issuer.verify(refresh_of(&first)).await), AuthErrorKind::Revoked);
    assert_eq!(sessions(&issuer).await.len(), 100);
}

#[tokio::test]
async fn without_a_limit_sessions_are_not_displaced() {
    let setup = Setup::new();
    for issuer in [setup.issuer(), setup.builder().sessions_per_user(None).build().unwrap()] {
        let before = sessions(&issuer).await.len();
        for _ in 0..50 {
            issuer.login(&ada()).await.unwrap();
        }
        assert_eq!(sessions(&issuer).await.len(), before + 50);
    }
}

#[tokio::test]
async fn revoke_other_sessions_keeps_one_session() {
    let setup = Setup::new();
    let issuer = setup.issuer();
    let kept = issuer.login(&ada()).await.unwrap();
    let ended = issuer.login(&ada()).await.unwrap();
    setup.events.take();
    issuer.revoke_other_sessions(&UserId::from(1), kept.session_id()).await.unwrap();
    assert_eq!(setup.events.take(), ["UserRevoked 1"]);
    assert_eq!(sessions(&issuer).await, ids([&kept]));
    assert_eq!(error_kind(issuer.verify(ended.access()).await), AuthErrorKind::Revoked);
    assert!(issuer.verify(kept.access()).await.is_ok());
    assert!(issuer.refresh(refresh_of(&kept), &setup.users).await.is_ok());
}

#[tokio::test]
async fn sessions_have_labels() {
    let setup = Setup::new();
    let issuer = setup.issuer();
    let long = format!("{}\u{e9}", "x".repeat(254));
    for (label, kept) in [
        (None, None),
        (Some(""), None),
        (Some(" \t\r\n "), None),
        (Some("\u{1b}\0\u{7f}"), None),
        (Some("Ada's telephone"), Some("Ada's telephone")),
        (Some("\u{202e}enohp\u{2066}\u{200f}"), Some("enohp")),
        // Joins two characters of an emoji.
        (Some("\u{1f469}\u{200d}\u{1f4bb}"), Some("\u{1f469}\u{200d}\u{1f4bb}")),
        (Some("  \u{1f4f1} of \u{1b}[1mAda\r\n"), Some("\u{1f4f1} of [1mAda")),
        (Some(&*"x".repeat(255)), Some(&*"x".repeat(255))),
        // The last character has two bytes, but only one fits.
        (Some(&*long), Some(&*"x".repeat(254))),
        (Some(&*"\u{1f980}".repeat(10_000)), Some(&*"\u{1f980}".repeat(63))),
    ] {
        let tokens = issuer.login_with_label(&ada(), label).await.unwrap();
        let tokens = issuer.refresh(refresh_of(&tokens), &setup.users).await.unwrap();
        let sessions = issuer.sessions(&UserId::from(1)).await.unwrap();
        let session = sessions.iter().find(|session| *session.id == *tokens.session_id()).unwrap();
        assert_eq!(session.label.as_deref(), kept);
    }
    assert!(issuer.sessions(&UserId::from(2)).await.unwrap().is_empty());
    // Without a store, a label has no effect.
    let plain = setup.plain_builder().build().unwrap();
    assert!(plain.login_with_label(&ada(), Some("telephone")).await.is_ok());
}

#[tokio::test]
async fn a_session_can_be_labelled() {
    let setup = Setup::new();
    let issuer = setup.issuer();
    let tokens = issuer.login_with_label(&ada(), Some("laptop")).await.unwrap();
    let other = issuer.login_with_label(&ada(), Some("tablet")).await.unwrap();
    let label = async |tokens: &Tokens| {
        let sessions = issuer.sessions(&UserId::from(1)).await.unwrap();
        let mut sessions = sessions.into_iter();
        sessions.find(|session| *session.id == *tokens.session_id()).and_then(|found| found.label)
    };
    let long = format!("{}\u{e9}", "x".repeat(254));
    for (new, kept) in [
        (Some("  \u{1f4f1} of \u{1b}[1mAda\r\n"), Some("\u{1f4f1} of [1mAda")),
        (Some(&*long), Some(&*"x".repeat(254))),
        (None, None),
        (Some("telephone"), Some("telephone")),
        (Some("\u{1b}\0"), None),
        (Some("phone"), Some("phone")),
    ] {
        let is_known = issuer.label_session(&UserId::from(1), tokens.session_id(), new).await;
        assert!(is_known.unwrap());
        assert_eq!(label(&tokens).await.as_deref(), kept);
    }
    assert_eq!(label(&other).await.as_deref(), Some("tablet"), "the other session is unchanged");
    assert!(issuer.verify(tokens.access()).await.is_ok());
    let next = issuer.refresh(refresh_of(&tokens), &setup.users).await.unwrap();
    assert_eq!(label(&next).await.as_deref(), Some("phone"));

    let long_id = "x".repeat(1_000);
    for (user, session) in
        [(2, next.session_id()), (1, "unknown"), (1, ""), (1, &long_id), (1, "unknown\0")]
    {
        let is_known = issuer.label_session(&UserId::from(user), session, Some("mine")).await;
        assert!(!is_known.unwrap(), "{session}");
    }
    assert_eq!(label(&next).await.as_deref(), Some("phone"));
    issuer.logout(refresh_of(&next)).await.unwrap();
    let ended = issuer.label_session(&UserId::from(1), next.session_id(), Some("mine")).await;
    assert!(!ended.unwrap());

    setup.store.set_failure(StoreFailure::Errors);
    let failed = issuer.label_session(&UserId::from(1), other.session_id(), None).await;
    assert_eq!(error_kind(failed), AuthErrorKind::Unavailable);
    let plain = setup.plain_builder().build().unwrap();
    let failed = plain.label_session(&UserId::from(1), other.session_id(), None).await;
    assert_eq!(error_kind(failed), AuthErrorKind::Misconfigured);
}

#[tokio::test]
async fn check_store_fails_during_an_outage() {
    let setup = Setup::new();
    let issuer = setup.builder().store_deadline(Duration::from_millis(20)).build().unwrap();
    for failure in [StoreFailure::Errors, StoreFailure::Hangs] {
        setup.store.set_failure(StoreFailure::None);
        issuer.check_store().await.unwrap();
        setup.store.set_failure(failure);
        assert_eq!(error_kind(issuer.check_store().await), AuthErrorKind::Unavailable);
    }
    let plain = setup.plain_builder().build().unwrap();
    assert_eq!(error_kind(plain.check_store().await), AuthErrorKind::Misconfigured);
    assert!(setup.store.inner.is_empty() && setup.events.take().is_empty());
}
