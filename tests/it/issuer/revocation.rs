//! Logout, revocation and events.

use tower_jwt_auth::{
    AuthErrorKind, MemoryStore, NumericDate,
    issue::Adoption,
    store::TokenStore,
    token::{TokenType, UserId},
    user::User,
};

use crate::support::login::{
    DAY, HOUR, MINUTE, NOW, Profile, SECRET, Setup, ada, error_kind, mint, payload, refresh_of,
};

#[tokio::test]
async fn logout_ends_the_session_and_can_be_repeated() {
    let setup = Setup::new();
    let issuer = setup.issuer();
    let other = issuer.login(&ada()).await.unwrap();
    let first = issuer.login(&ada()).await.unwrap();
    let second = issuer.refresh(refresh_of(&first), &setup.users).await.unwrap();
    for _ in 0..2 {
        issuer.logout(refresh_of(&second)).await.unwrap();
        for token in [second.access(), refresh_of(&second), first.access(), refresh_of(&first)] {
            assert_eq!(error_kind(issuer.verify(token).await), AuthErrorKind::Revoked);
        }
        let rejected = issuer.refresh(refresh_of(&second), &setup.users).await;
        assert_eq!(error_kind(rejected), AuthErrorKind::Revoked);
    }
    assert!(issuer.verify(other.access()).await.is_ok());
    let sessions = issuer.sessions(&UserId::from(1)).await.unwrap();
    assert_eq!(sessions.len(), 1);
}

#[tokio::test]
async fn logout_accepts_spent_tokens() {
    let setup = Setup::new();
    let issuer = setup.issuer();
    let first = issuer.login(&ada()).await.unwrap();
    let second = issuer.refresh(refresh_of(&first), &setup.users).await.unwrap();
    let third = issuer.refresh(refresh_of(&second), &setup.users).await.unwrap();
    setup.events.take();
    issuer.logout(refresh_of(&first)).await.unwrap();
    assert_eq!(setup.events.take(), [format!("SessionRevoked 1 {}", first.session_id())]);
    let rejected = issuer.refresh(refresh_of(&third), &setup.users).await;
    assert_eq!(error_kind(rejected), AuthErrorKind::Revoked);
}

#[tokio::test]
async fn logout_rejects_all_but_refresh_tokens() {
    let setup = Setup::new();
    let issuer = setup.issuer();
    let tokens = issuer.login(&ada()).await.unwrap();
    let forged = mint(SECRET.replace("no", "a "), r#"{"alg":"HS256"}"#, "{}");
    for (token, kind) in [
        ("", AuthErrorKind::Malformed),
        ("a.b.c", AuthErrorKind::Malformed),
        (&forged, AuthErrorKind::InvalidSignature),
        (tokens.access(), AuthErrorKind::WrongTokenType),
    ] {
        assert_eq!(error_kind(issuer.logout(token).await), kind, "{token}");
    }
    assert!(issuer.verify(tokens.access()).await.is_ok());
    setup.clock.advance(DAY);
    assert_eq!(error_kind(issuer.logout(refresh_of(&tokens)).await), AuthErrorKind::Expired);
}

#[tokio::test]
async fn a_logout_is_remembered_until_the_last_token_expires() {
    let setup = Setup::new();
    let issuer = setup.builder().access_lifetime(HOUR).leeway(MINUTE).build().unwrap();
    let first = issuer.login(&ada()).await.unwrap();
    setup.clock.advance(DAY - MINUTE);
    // The logout uses the old token, which expires before the new one.
    let second = issuer.refresh(refresh_of(&first), &setup.users).await.unwrap();
    issuer.logout(refresh_of(&first)).await.unwrap();
    for _ in 0..25 {
        setup.store.purge(setup.clock.now(), usize::MAX).await.unwrap();
        for token in [refresh_of(&second), second.access()] {
            let kind = error_kind(issuer.verify(token).await);
            let kinds = [AuthErrorKind::Revoked, AuthErrorKind::Expired];
            assert!(kinds.contains(&kind), "{kind:?}");
        }
        setup.clock.advance(HOUR);
    }
}

/// An entry is kept until the last token that it concerns has expired, plus the leeway and a minute
/// for the clocks of other machines.
#[tokio::test]
async fn entries_are_kept_until_the_last_token_expires() {
    let setup = Setup::new();
    let issuer = setup.builder().access_lifetime(HOUR).leeway(5 * MINUTE).build().unwrap();
    let user = UserId::from(1);
    let (access, refresh, session) = (3600, 86_400, 30 * 86_400);
    let slack = 300 + 60;

    let tokens = issuer.login(&ada()).await.unwrap();
    let session_kept = refresh + access + slack;
    let claims = issuer.verifier().verify(tokens.access()).unwrap();
    issuer.revoke_token(&claims).await.unwrap();
    let token_kept = access + slack;
    issuer.revoke_user(&user).await.unwrap();
    let user_kept = session + access + slack;
    for (kept, left) in [(token_kept, 2), (session_kept, 1), (user_kept, 0)] {
        for (at, expected) in [(NOW + kept - 1, left + 1), (NOW + kept, left)] {
            setup.store.purge(NumericDate::from_secs(at), usize::MAX).await.unwrap();
            assert_eq!(setup.store.inner.len(), expected, "after {kept} s");
        }
    }

    // Each rotation, logout and revocation is kept from its own time. A session that was ended is kept
    // for its access tokens only.
    let tokens = issuer.login(&ada()).await.unwrap();
    setup.clock.advance(HOUR);
    let tokens = issuer.refresh(refresh_of(&tokens), &setup.users).await.unwrap();
    setup.clock.advance(HOUR);
    issuer.logout(refresh_of(&tokens)).await.unwrap();
    let ended_kept = access + slack;
    for (at, expected) in [(2 * 3600 + ended_kept - 1, 1), (2 * 3600 + ended_kept, 0)] {
        setup.store.purge(NumericDate::from_secs(NOW + at), usize::MAX).await.unwrap();
        assert_eq!(setup.store.inner.len(), expected);
    }
}

#[tokio::test]
async fn a_token_is_revoked_until_it_expires() {
    let setup = Setup::new();
    let issuer = setup.builder().leeway(MINUTE).build().unwrap();
    let tokens = issuer.login(&ada()).await.unwrap();
    let access = issuer.verifier().verify(tokens.access()).unwrap();
    let invited = issuer.issue(&TokenType::Access, 90 * DAY, ada().id(), ada().claims()).unwrap();
    let invited_claims = issuer.verifier().verify(&invited).unwrap();
    setup.events.take();
    issuer.revoke_token(&access).await.unwrap();
    assert_eq!(setup.events.take(), [format!("TokenRevoked 1 {}", access.jti().unwrap())]);
    issuer.revoke_token(&invited_claims).await.unwrap();

    assert_eq!(error_kind(issuer.verify(tokens.access()).await), AuthErrorKind::Revoked);
    assert!(issuer.verify(refresh_of(&tokens)).await.is_ok());
    let next = issuer.refresh(refresh_of(&tokens), &setup.users).await.unwrap();
    assert!(issuer.verify(next.access()).await.is_ok());

    setup.clock.set(NumericDate::from_secs(NOW + 359));
    setup.store.purge(setup.clock.now(), usize::MAX).await.unwrap();
    assert_eq!(error_kind(issuer.verify(tokens.access()).await), AuthErrorKind::Revoked);
    setup.clock.set(NumericDate::from_secs(NOW + 90 * 86_400 + 59));
    setup.store.purge(setup.clock.now(), usize::MAX).await.unwrap();
    assert_eq!(error_kind(issuer.verify(&invited).await), AuthErrorKind::Revoked);
}

#[tokio::test]
async fn rejects_revoked_refresh_tokens() {
    let setup = Setup::new();
    for rotate in [true, false] {
        let issuer = setup.builder().rotate_refresh_tokens(rotate).build().unwrap();
        let tokens = issuer.login(&ada()).await.unwrap();
        let claims = issuer.verify(refresh_of(&tokens)).await.unwrap();
        issuer.revoke_token(&claims).await.unwrap();
        let rejected = issuer.refresh(refresh_of(&tokens), &setup.users).await;
        assert_eq!(error_kind(rejected), AuthErrorKind::Revoked);
        assert!(issuer.verify(tokens.access()).await.is_ok());
    }
}

#[tokio::test]
async fn revoke_session_ends_one_session() {
    let setup = Setup::new();
    let issuer = setup.issuer();
    let tokens = issuer.login(&ada()).await.unwrap();
    let other = issuer.login(&ada()).await.unwrap();
    setup.events.take();
    issuer.revoke_session(&UserId::from(1), tokens.session_id()).await.unwrap();
    assert_eq!(setup.events.take(), [format!("SessionRevoked 1 {}", tokens.session_id())]);
    assert_eq!(error_kind(issuer.verify(tokens.access()).await), AuthErrorKind::Revoked);
    let rejected = issuer.refresh(refresh_of(&tokens), &setup.users).await;
    assert_eq!(error_kind(rejected), AuthErrorKind::Revoked);
    assert!(issuer.refresh(refresh_of(&other), &setup.users).await.is_ok());

    // The user id must match: one user cannot end the sessions of another.
    issuer.revoke_session(&UserId::from(2), other.session_id()).await.unwrap();
    assert!(issuer.verify(other.access()).await.is_ok());
}

#[tokio::test]
async fn a_user_can_log_in_right_after_revoke_user() {
    let setup = Setup::new();
    let issuer = setup.issuer();
    let grace = User::new(2, Profile { username: "grace".to_owned() });
    let bystander = issuer.login(&grace).await.unwrap();
    let first = issuer.login(&ada()).await.unwrap();
    let second = issuer.refresh(refresh_of(&first), &setup.users).await.unwrap();
    let sessionless = issuer.issue(&TokenType::Access, HOUR, ada().id(), ada().claims()).unwrap();
    setup.events.take();

    issuer.revoke_user(&UserId::from(1)).await.unwrap();
    assert_eq!(setup.events.take(), ["UserRevoked 1"]);
    let again = issuer.login(&ada()).await.unwrap();
    for token in [first.access(), second.access(), refresh_of(&second), &sessionless] {
        assert_eq!(error_kind(issuer.verify(token).await), AuthErrorKind::Revoked);
    }
    let rejected = issuer.refresh(refresh_of(&second), &setup.users).await;
    assert_eq!(error_kind(rejected), AuthErrorKind::Revoked);

    assert!(issuer.verify(again.access()).await.is_ok());
    assert!(issuer.refresh(refresh_of(&again), &setup.users).await.is_ok());
    assert!(issuer.verify(bystander.access()).await.is_ok());
    assert_eq!(issuer.sessions(&UserId::from(1)).await.unwrap().len(), 1);
}

#[tokio::test]
async fn emits_an_event_for_each_change_of_a_session() {
    let setup = Setup::new();
    let issuer = setup.issuer();
    let tokens = issuer.login(&ada()).await.unwrap();
    let sid = tokens.session_id();
    let next = issuer.refresh(refresh_of(&tokens), &setup.users).await.unwrap();
    issuer.refresh(refresh_of(&tokens), &setup.users).await.unwrap_err();
    issuer.refresh(refresh_of(&next), &setup.users).await.unwrap_err();
    issuer.logout(refresh_of(&next)).await.unwrap();
    issuer.login(&ada().with_active(false)).await.unwrap_err();
    issuer.refresh("garbage", &setup.users).await.unwrap_err();
    assert_eq!(
        setup.events.take(),
        [
            format!("LoginSucceeded 1 {sid}"),
            format!("Refreshed 1 {sid}"),
            format!("ReuseDetected 1 {sid}"),
            format!("SessionRevoked 1 {sid}"),
        ]
    );
}

#[tokio::test]
async fn calls_every_listener() {
    let setup = Setup::new();
    let (sender, receiver) = std::sync::mpsc::channel();
    let issuer = setup
        .builder()
        .on_event(move |event| sender.send(format!("{event:?}")).unwrap())
        .build()
        .unwrap();
    issuer.login(&ada()).await.unwrap();
    assert_eq!(receiver.try_recv().unwrap(), "LoginSucceeded");
    assert_eq!(setup.events.take().len(), 1);
}

#[tokio::test]
async fn without_a_store_revocation_fails() {
    let setup = Setup::new();
    let issuer = setup.plain_builder().build().unwrap();
    assert!(!issuer.has_store());
    let tokens = issuer.login(&ada()).await.unwrap();
    let claims = issuer.verify(tokens.access()).await.unwrap();
    let user = UserId::from(1);
    let misconfigured = AuthErrorKind::Misconfigured;
    assert_eq!(error_kind(issuer.logout(refresh_of(&tokens)).await), misconfigured);
    assert_eq!(error_kind(issuer.revoke_token(&claims).await), misconfigured);
    assert_eq!(error_kind(issuer.revoke_session(&user, tokens.session_id()).await), misconfigured);
    assert_eq!(error_kind(issuer.revoke_user(&user).await), misconfigured);
    assert_eq!(error_kind(issuer.sessions(&user).await), misconfigured);
    assert_eq!(setup.events.take().len(), 1);
}

#[tokio::test]
async fn rejects_sessions_that_the_store_does_not_know() {
    let setup = Setup::new();
    let tokens = setup.issuer().login(&ada()).await.unwrap();
    let restarted = setup.builder().store(MemoryStore::new()).build().unwrap();
    let rejected = restarted.refresh(refresh_of(&tokens), &setup.users).await;
    assert_eq!(error_kind(rejected), AuthErrorKind::Revoked);
    assert_eq!(payload(tokens.access())["sid"], tokens.session_id());
}

#[tokio::test]
async fn verify_checks_the_type_of_the_claims() {
    let setup = Setup::new();
    let adoption = Adoption::insecure_unchecked_until(NumericDate::MAX);
    let issuer = setup.builder().adopt_refresh_tokens(adoption).build().unwrap();
    let token = |kind: &str, rest: &str| {
        let exp = NOW + 60;
        let payload = format!(
            r#"{{"token_type":"{kind}","exp":{exp},"iat":{NOW},"jti":"j","user_id":"1"{rest}}}"#
        );
        mint(SECRET, r#"{"alg":"HS256","typ":"JWT"}"#, &payload)
    };
    assert!(issuer.verify(&token("access", r#","username":"ada""#)).await.is_ok());
    for rest in ["", r#","username":1"#, r#","username":null"#] {
        assert_eq!(error_kind(issuer.verify(&token("access", rest)).await).code(), "token_invalid");
        assert!(issuer.verify(&token("refresh", rest)).await.is_ok());
    }
}

#[tokio::test]
async fn a_login_that_began_before_revoke_user_fails() {
    let setup = Setup::new();
    let issuer = setup.issuer();
    let start = issuer.start_login().await.unwrap();
    issuer.revoke_user(&UserId::from(1)).await.unwrap();
    setup.events.take();
    let late = issuer.finish_login(start, &ada(), None).await;
    assert_eq!(error_kind(late), AuthErrorKind::Revoked);
    assert!(setup.events.take().is_empty());
    assert!(issuer.sessions(&UserId::from(1)).await.unwrap().is_empty());

    // Another user is not affected, and the next login of the same second is not either.
    let grace = User::new(2, Profile { username: "grace".to_owned() });
    assert!(issuer.finish_login(start, &grace, None).await.is_ok());
    let start = issuer.start_login().await.unwrap();
    let tokens = issuer.finish_login(start, &ada(), None).await.unwrap();
    assert!(issuer.verify(tokens.access()).await.is_ok());
}
