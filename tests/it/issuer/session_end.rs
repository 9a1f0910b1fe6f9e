//! Waiting for the end of a session.

use std::{num::NonZeroUsize, time::Duration};

use tokio::{task::JoinHandle, time::sleep};
use tower_jwt_auth::{
    AuthErrorKind, Issuer,
    issue::Tokens,
    token::{TokenType, UserId},
};

use crate::support::{
    flaky::StoreFailure,
    login::{HOUR, MINUTE, Profile, Setup, ada, error_kind, refresh_of},
};

const SECOND: Duration = Duration::from_secs(1);

fn wait_for_end(issuer: &Issuer<Profile>, tokens: &Tokens) -> JoinHandle<()> {
    let claims = issuer.verifier().verify(tokens.access()).unwrap();
    tokio::spawn(issuer.session_ended(&claims))
}

/// Lets time pass by both clocks.
async fn pass(setup: &Setup, time: Duration) {
    for _ in 0..time.as_secs() {
        setup.clock.advance(SECOND);
        sleep(SECOND).await;
    }
}

#[tokio::test(start_paused = true)]
async fn resolves_within_two_seconds_of_the_end() {
    let user = UserId::from(1);
    for way in 0..7 {
        let setup = Setup::new();
        let issuer = setup.builder().sessions_per_user(NonZeroUsize::new(2)).build().unwrap();
        let tokens = issuer.login(&ada()).await.unwrap();
        setup.clock.advance(SECOND);
        let other = issuer.login(&ada()).await.unwrap();
        let (ended, pending) = (wait_for_end(&issuer, &tokens), wait_for_end(&issuer, &other));
        pass(&setup, MINUTE).await;
        assert!(!ended.is_finished() && !pending.is_finished(), "way {way}: both are live");
        let mut ends_other = false;
        match way {
            0 => issuer.revoke_session(&user, tokens.session_id()).await.unwrap(),
            1 => issuer.logout(refresh_of(&tokens)).await.unwrap(),
            2 => issuer.revoke_other_sessions(&user, other.session_id()).await.unwrap(),
            3 => drop(issuer.login(&ada()).await.unwrap()),
            4 => {
                issuer.refresh(refresh_of(&tokens), &setup.users).await.unwrap();
                let reused = issuer.refresh(refresh_of(&tokens), &setup.users).await;
                assert_eq!(error_kind(reused), AuthErrorKind::Reused);
            }
            5 => {
                let claims = issuer.verifier().verify(tokens.access()).unwrap();
                issuer.revoke_token(&claims).await.unwrap();
            }
            _ => {
                issuer.revoke_user(&user).await.unwrap();
                ends_other = true;
            }
        }
        pass(&setup, 2 * SECOND).await;
        assert!(ended.is_finished(), "way {way}");
        assert_eq!(pending.is_finished(), ends_other, "way {way}");
    }
}

#[tokio::test(start_paused = true)]
async fn is_pending_for_as_long_as_the_session_is_refreshed() {
    let setup = Setup::new();
    let issuer = setup.builder().refresh_lifetime(HOUR).build().unwrap();
    let mut tokens = issuer.login(&ada()).await.unwrap();
    let ended = wait_for_end(&issuer, &tokens);
    for _ in 0..4 {
        pass(&setup, HOUR - MINUTE).await;
        tokens = issuer.refresh(refresh_of(&tokens), &setup.users).await.unwrap();
        assert!(!ended.is_finished());
    }
    // Nobody refreshes it any more.
    pass(&setup, HOUR - MINUTE).await;
    assert!(!ended.is_finished());
    pass(&setup, 7 * MINUTE).await;
    assert!(ended.is_finished());
}

/// The refresh token may expire long before the store is asked again.
#[tokio::test(start_paused = true)]
async fn resolves_within_two_seconds_of_the_expiry_of_the_session() {
    let setup = Setup::new();
    let issuer = setup.builder().refresh_lifetime(7 * MINUTE).build().unwrap();
    let mut tokens = issuer.login(&ada()).await.unwrap();
    let ended = wait_for_end(&issuer, &tokens);
    pass(&setup, 6 * MINUTE).await;
    tokens = issuer.refresh(refresh_of(&tokens), &setup.users).await.unwrap();
    pass(&setup, 6 * MINUTE).await;
    tokens = issuer.refresh(refresh_of(&tokens), &setup.users).await.unwrap();
    pass(&setup, 7 * MINUTE - 2 * SECOND).await;
    assert!(!ended.is_finished(), "the session can still be refreshed");
    pass(&setup, 4 * SECOND).await;
    assert!(
        ended.is_finished() && issuer.refresh(refresh_of(&tokens), &setup.users).await.is_err()
    );
}

#[tokio::test(start_paused = true)]
async fn notices_the_end_of_a_session_after_its_token_has_expired() {
    let setup = Setup::new();
    let issuer = setup.issuer();
    let tokens = issuer.login(&ada()).await.unwrap();
    let ended = wait_for_end(&issuer, &tokens);
    pass(&setup, HOUR).await;
    assert!(!ended.is_finished());
    issuer.logout(refresh_of(&tokens)).await.unwrap();
    pass(&setup, 2 * SECOND).await;
    assert!(ended.is_finished());
}

#[tokio::test(start_paused = true)]
async fn finds_a_session_among_many() {
    let setup = Setup::new();
    let issuer = setup.builder().sessions_per_user(None).build().unwrap();
    let tokens = issuer.login(&ada()).await.unwrap();
    for _ in 0..250 {
        setup.clock.advance(Duration::from_millis(500));
        issuer.login(&ada()).await.unwrap();
    }
    let ended = wait_for_end(&issuer, &tokens);
    pass(&setup, 11 * MINUTE).await;
    assert!(!ended.is_finished());
    issuer.logout(refresh_of(&tokens)).await.unwrap();
    pass(&setup, 2 * SECOND).await;
    assert!(ended.is_finished());
}

#[tokio::test(start_paused = true)]
async fn without_a_session_or_a_store_the_token_decides() {
    let setup = Setup::new();
    let plain = setup.plain_builder().leeway(MINUTE).build().unwrap();
    let tokens = plain.login(&ada()).await.unwrap();
    let without_store = wait_for_end(&plain, &tokens);

    let issuer = setup.builder().leeway(MINUTE).build().unwrap();
    let issue = || {
        let lifetime = 5 * MINUTE;
        let token = issuer.issue(&TokenType::Access, lifetime, ada().id(), ada().claims()).unwrap();
        issuer.verifier().verify(&token).unwrap()
    };
    let (claims, revoked, later) = (issue(), issue(), issue());
    let [claims, revoked_ended, later] =
        [&claims, &revoked, &later].map(|claims| tokio::spawn(issuer.session_ended(claims)));
    issuer.revoke_token(&revoked).await.unwrap();
    pass(&setup, 2 * SECOND).await;
    assert!(revoked_ended.is_finished() && !claims.is_finished());
    pass(&setup, 6 * MINUTE - 4 * SECOND).await;
    assert!(!claims.is_finished() && !later.is_finished() && !without_store.is_finished());
    pass(&setup, 4 * SECOND).await;
    assert!(claims.is_finished() && later.is_finished() && without_store.is_finished());
}

#[tokio::test(start_paused = true)]
async fn an_outage_is_survived_until_the_token_expires() {
    for failure in [StoreFailure::Errors, StoreFailure::Hangs] {
        let setup = Setup::new();
        let issuer = setup.issuer();
        let tokens = issuer.login(&ada()).await.unwrap();
        let ended = wait_for_end(&issuer, &tokens);
        setup.store.set_failure(failure);
        pass(&setup, 4 * MINUTE).await;
        setup.store.set_failure(StoreFailure::None);
        assert!(!ended.is_finished(), "the outage is over");
        pass(&setup, 4 * MINUTE).await;
        assert!(!ended.is_finished(), "the session was live when the token expired");

        setup.store.set_failure(failure);
        pass(&setup, MINUTE).await;
        assert!(!ended.is_finished(), "the session is to be shown live later");
        pass(&setup, 2 * MINUTE).await;
        assert!(ended.is_finished(), "nothing showed that it was live");
    }
}

#[tokio::test(start_paused = true)]
async fn the_use_of_a_ticket_does_not_end_its_session() {
    let setup = Setup::new();
    let issuer = setup.issuer();
    let tokens = issuer.login(&ada()).await.unwrap();
    let claims = issuer.verifier().verify(tokens.access()).unwrap();
    let ticket = issuer.issue_ticket(&claims, "/ws").unwrap();
    let claims = issuer.redeem_ticket(&ticket, "/ws").await.unwrap();
    let ended = tokio::spawn(issuer.session_ended(&claims));
    pass(&setup, 10 * MINUTE).await;
    assert!(!ended.is_finished());
    issuer.revoke_session(&UserId::from(1), tokens.session_id()).await.unwrap();
    pass(&setup, 2 * SECOND).await;
    assert!(ended.is_finished());
}
