//! What the replica says of a token, and what it leaves to the store.

use std::num::NonZeroUsize;

use tower_jwt_auth::{
    NumericDate,
    store::{NewSession, Spend, Spent, TokenRef, TokenStore},
    token::UserId,
};

use crate::support::feed::FedStore;

use super::{KEEP_UNTIL, NOW, ask, fresh, revoke_session, revoke_token, revoke_user, secs, settle};

fn at(second: i64) -> NumericDate {
    NumericDate::from_secs(NOW.as_secs().checked_add_signed(second).unwrap())
}

fn of_session(session: &str, issued_at: i64) -> TokenRef<'_> {
    TokenRef::new("ada", at(issued_at)).with_jti(Some("any")).with_session(Some(session))
}

#[tokio::test(start_paused = true)]
async fn its_own_revocations_hold_at_once() {
    let store = FedStore::new();
    let replica = fresh(&store).await;
    store.hold();
    revoke_token(&replica, "1").await;
    assert_eq!(ask(&replica, "1"), Some(true));
    revoke_session(&replica, "s-2").await;
    assert_eq!(ask(&replica, "2"), Some(true));
    assert_eq!(ask(&replica, "3"), Some(false));

    let ada = UserId::from("ada");
    let session = NewSession::new("s-4", &ada, "r1", NOW).with_expiry(KEEP_UNTIL, KEEP_UNTIL);
    replica.begin(&session).await.unwrap();
    let spend = Spend::new(&session, NOW, "r2");
    assert_eq!(replica.spend(&spend).await.unwrap(), Spent::First);
    assert_eq!(ask(&replica, "4"), Some(false));
    let spend = Spend::new(&session, NOW, "r3");
    assert_eq!(replica.spend(&spend).await.unwrap(), Spent::Reused);
    assert_eq!(ask(&replica, "4"), Some(true), "reuse has ended the session");

    revoke_user(&replica, None).await;
    let without_session = TokenRef::new("ada", NOW).with_jti(Some("5"));
    assert_eq!(replica.is_revoked_now(&without_session), Some(true));
}

#[tokio::test(start_paused = true)]
async fn what_could_not_be_stored_is_not_revoked() {
    let store = FedStore::new();
    let replica = fresh(&store).await;
    store.set_away(true);
    let user_id = &UserId::from("ada");
    let revocation =
        tower_jwt_auth::store::Revocation::Token { jti: "1", user_id, keep_until: KEEP_UNTIL };
    assert!(replica.revoke(&revocation, NOW).await.is_err());
    store.set_away(false);
    settle().await;
    replica.until_fresh().await;
    assert_eq!(ask(&replica, "1"), Some(false));
}

#[tokio::test(start_paused = true)]
async fn refresh_tokens_go_to_the_store() {
    let store = FedStore::new();
    let replica = fresh(&store).await;
    revoke_token(&replica, "1").await;
    for adopt in [false, true] {
        let token = of_session("s", 0).with_jti(Some("1")).as_refresh(adopt);
        assert_eq!(replica.is_revoked_now(&token), None);
        assert!(replica.is_revoked(&token).await.unwrap());
    }
}

#[tokio::test(start_paused = true)]
async fn sessions_of_a_revoked_user_go_to_the_store_for_a_minute() {
    let store = FedStore::new();
    let (here, there) = (fresh(&store).await, fresh(&store).await);
    let ada = UserId::from("ada");
    for (session, refresh) in [("lost", "r1"), ("kept", "r2")] {
        let session = NewSession::new(session, &ada, refresh, at(-9));
        here.begin(&session.with_expiry(KEEP_UNTIL, KEEP_UNTIL)).await.unwrap();
    }
    revoke_user(&here, Some("kept")).await;
    let session = NewSession::new("new", &ada, "r3", NOW).with_expiry(KEEP_UNTIL, KEEP_UNTIL);
    here.begin(&session).await.unwrap();
    settle().await;
    for replica in [&here, &there] {
        for (session, revoked) in [("lost", true), ("kept", false), ("new", false)] {
            for issued_at in [-100, -1, 0, 1, 60] {
                let token = of_session(session, issued_at);
                assert_eq!(replica.is_revoked_now(&token), None, "{session}, {issued_at}");
                assert_eq!(replica.is_revoked(&token).await.unwrap(), revoked, "{session}");
            }
        }
        assert_eq!(replica.is_revoked_now(&of_session("new", 61)), Some(false));
        let other = TokenRef::new("bob", NOW).with_session(Some("lost"));
        assert_eq!(replica.is_revoked_now(&other), Some(false), "another user");
        for (issued_at, revoked) in [(-1, true), (0, true), (1, false)] {
            let token = TokenRef::new("ada", at(issued_at)).with_jti(Some("any"));
            assert_eq!(replica.is_revoked_now(&token), Some(revoked), "without session");
        }
    }
    revoke_session(&here, "lost").await;
    assert_eq!(
        here.is_revoked_now(&of_session("lost", 0)),
        Some(true),
        "it is known to have ended"
    );
}

#[tokio::test(start_paused = true)]
async fn a_limit_ends_sessions_at_once() {
    let store = FedStore::new();
    let (here, there) = (fresh(&store).await, fresh(&store).await);
    let ada = UserId::from("ada");
    let limit = NonZeroUsize::new(1);
    for (session, refresh) in [("old", "r1"), ("new", "r2")] {
        let session = NewSession::new(session, &ada, refresh, NOW).with_limit(limit);
        store.hold();
        here.begin(&session.with_expiry(KEEP_UNTIL, KEEP_UNTIL)).await.unwrap();
    }
    assert_eq!(here.is_revoked_now(&of_session("old", 0)), None);
    assert!(here.is_revoked(&of_session("old", 0)).await.unwrap());
    assert_eq!(here.is_revoked_now(&of_session("new", 60)), None);
    assert_eq!(here.is_revoked_now(&of_session("new", 61)), Some(false));
    let without_session = TokenRef::new("ada", NumericDate::default());
    assert_eq!(here.is_revoked_now(&without_session), Some(false), "the user was not revoked");
    store.release();
    settle().await;
    for replica in [&here, &there] {
        assert_eq!(replica.is_revoked_now(&of_session("old", 0)), Some(true));
    }
    assert_eq!(there.is_revoked_now(&of_session("new", 0)), Some(false));
}

#[tokio::test(start_paused = true)]
async fn the_doubt_about_a_limit_is_forgotten() {
    let store = FedStore::new();
    let hands = tower_jwt_auth::ManualClock::new(NOW);
    let replica = tower_jwt_auth::store::RevocationReplica::builder(store.clone())
        .clock(&hands)
        .build()
        .unwrap();
    replica.until_fresh().await;
    let ada = UserId::from("ada");
    let session = NewSession::new("s", &ada, "r", NOW).with_expiry(KEEP_UNTIL, KEEP_UNTIL);
    replica.begin(&session.with_limit(NonZeroUsize::new(9))).await.unwrap();
    assert_eq!(replica.is_revoked_now(&of_session("s", 0)), None);
    hands.advance(secs(3));
    tokio::time::sleep(secs(130)).await;
    assert_eq!(replica.is_revoked_now(&of_session("s", 0)), Some(false));
}

#[tokio::test(start_paused = true)]
async fn a_login_with_a_limit_after_a_revocation_concerns_old_tokens_only() {
    let store = FedStore::new();
    let replica = fresh(&store).await;
    revoke_user(&replica, None).await;
    let ada = UserId::from("ada");
    let session = NewSession::new("s", &ada, "r", NOW).with_expiry(KEEP_UNTIL, KEEP_UNTIL);
    replica.begin(&session.with_limit(NonZeroUsize::new(9))).await.unwrap();
    assert_eq!(replica.is_revoked_now(&of_session("s", 60)), None);
    assert_eq!(replica.is_revoked_now(&of_session("s", 61)), Some(false), "as of other machines");
}

#[tokio::test(start_paused = true)]
async fn ids_belong_to_their_user_and_kind() {
    let store = FedStore::new();
    let replica = fresh(&store).await;
    revoke_token(&replica, "bc").await;
    revoke_session(&replica, "de").await;
    let of = |user, jti, session| TokenRef::new(user, NOW).with_jti(jti).with_session(session);
    let ada = |jti, session| of("ada", jti, session);
    assert_eq!(replica.is_revoked_now(&ada(Some("bc"), None)), Some(true));
    assert_eq!(replica.is_revoked_now(&ada(None, Some("de"))), Some(true));
    for token in [
        ada(None, Some("bc")),
        ada(Some("de"), None),
        ada(None, None),
        ada(Some(""), Some("")),
        ada(Some("bcd"), Some("d")),
        of("adab", Some("c"), None),
        of("ad", Some("abc"), None),
        of("", Some("adabc"), None),
    ] {
        assert_eq!(replica.is_revoked_now(&token), Some(false), "{:?}", token.jti);
    }
}
