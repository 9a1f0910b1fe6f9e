//! What the replica decides about a token, and what it leaves to the store.

use std::num::NonZeroUsize;

use tower_jwt_auth::{
    NumericDate,
    store::{NewSession, Revocation, Spend, Spent, TokenRef, TokenStore},
    token::UserId,
};

use crate::support::feed::TestFeed;

use super::{KEEP_UNTIL, NOW, check, fresh, revoke_session, revoke_token, revoke_user, settle};

fn at(second: i64) -> NumericDate {
    NumericDate::from_secs(NOW.as_secs().checked_add_signed(second).unwrap())
}

fn of_session(session: &str, issued_at: i64) -> TokenRef<'_> {
    TokenRef::new("ada", at(issued_at)).with_jti(Some("any")).with_session(Some(session))
}

#[tokio::test(start_paused = true)]
async fn rejects_at_once_what_it_revoked_itself() {
    let store = TestFeed::new();
    let replica = fresh(&store).await;
    store.delay_notices();
    revoke_token(&replica, "1").await;
    assert_eq!(check(&replica, "1"), Some(true));
    revoke_session(&replica, "s-2").await;
    assert_eq!(check(&replica, "2"), Some(true));
    assert_eq!(check(&replica, "3"), Some(false));

    let ada = UserId::from("ada");
    let session = NewSession::new("s-4", &ada, "r1", NOW).with_expiry(KEEP_UNTIL, KEEP_UNTIL);
    replica.begin(&session).await.unwrap();
    let spend = Spend::new(&session, NOW, "r2");
    assert_eq!(replica.spend(&spend).await.unwrap(), Spent::First);
    assert_eq!(check(&replica, "4"), Some(false));
    let spend = Spend::new(&session, NOW, "r3");
    assert_eq!(replica.spend(&spend).await.unwrap(), Spent::Reused);
    assert_eq!(check(&replica, "4"), Some(true), "reuse has ended the session");

    revoke_user(&replica, None).await;
    let without_session = TokenRef::new("ada", NOW).with_jti(Some("5"));
    assert_eq!(replica.is_revoked_now(&without_session), Some(true));
}

#[tokio::test(start_paused = true)]
async fn a_failed_revocation_revokes_nothing() {
    let store = TestFeed::new();
    let replica = fresh(&store).await;
    store.set_down(true);
    let user_id = &UserId::from("ada");
    let revocation = Revocation::Token { jti: "1", user_id, keep_until: KEEP_UNTIL };
    assert!(replica.revoke(&revocation, NOW).await.is_err());
    store.set_down(false);
    settle().await;
    replica.until_fresh().await;
    assert_eq!(check(&replica, "1"), Some(false));
}

#[tokio::test(start_paused = true)]
async fn leaves_refresh_tokens_to_the_store() {
    let store = TestFeed::new();
    let replica = fresh(&store).await;
    revoke_token(&replica, "1").await;
    for adopt in [false, true] {
        let token = of_session("s", 0).with_jti(Some("1")).as_refresh(adopt);
        assert_eq!(replica.is_revoked_now(&token), None);
        assert!(replica.is_revoked(&token).await.unwrap());
    }
}

#[tokio::test(start_paused = true)]
async fn leaves_sessions_of_a_revoked_user_to_the_store_for_a_minute() {
    let store = TestFeed::new();
    let (here, there) = (fresh(&store).await, fresh(&store).await);
    let ada = UserId::from("ada");
    for (session, refresh) in [("ended", "r1"), ("excepted", "r2")] {
        let session = NewSession::new(session, &ada, refresh, at(-9));
        here.begin(&session.with_expiry(KEEP_UNTIL, KEEP_UNTIL)).await.unwrap();
    }
    revoke_user(&here, Some("excepted")).await;
    let session = NewSession::new("new", &ada, "r3", NOW).with_expiry(KEEP_UNTIL, KEEP_UNTIL);
    here.begin(&session).await.unwrap();
    settle().await;
    for replica in [&here, &there] {
        for (session, revoked) in [("ended", true), ("excepted", false), ("new", false)] {
            for issued_at in [-100, -1, 0, 1, 60] {
                let token = of_session(session, issued_at);
                assert_eq!(replica.is_revoked_now(&token), None, "{session}, {issued_at}");
                assert_eq!(replica.is_revoked(&token).await.unwrap(), revoked, "{session}");
            }
        }
        assert_eq!(replica.is_revoked_now(&of_session("new", 61)), Some(false));
        let other = TokenRef::new("bob", NOW).with_session(Some("ended"));
        assert_eq!(replica.is_revoked_now(&other), Some(false), "another user");
        for (issued_at, revoked) in [(-1, true), (0, true), (1, false)] {
            let token = TokenRef::new("ada", at(issued_at)).with_jti(Some("any"));
            assert_eq!(replica.is_revoked_now(&token), Some(revoked), "without a session");
        }
    }
    revoke_session(&here, "ended").await;
    let ended = of_session("ended", 0);
    assert_eq!(here.is_revoked_now(&ended), Some(true), "the session itself was revoked");
}

#[tokio::test(start_paused = true)]
async fn rejects_at_once_what_a_limit_ended() {
    let store = TestFeed::new();
    let (here, there) = (fresh(&store).await, fresh(&store).await);
    let ada = UserId::from("ada");
    let limit = NonZeroUsize::new(1);
    for (session, refresh) in [("old", "r1"), ("new", "r2")] {
        let session = NewSession::new(session, &ada, refresh, NOW).with_limit(limit);
        store.delay_notices();
        here.begin(&session.with_expiry(KEEP_UNTIL, KEEP_UNTIL)).await.unwrap();
    }
    assert_eq!(here.is_revoked_now(&of_session("old", 0)), Some(true));
    assert_eq!(here.is_revoked_now(&of_session("new", 0)), Some(false));
    let without_session = TokenRef::new("ada", NumericDate::default());
    assert_eq!(here.is_revoked_now(&without_session), Some(false), "the user was not revoked");
    store.deliver_notices();
    settle().await;
    assert_eq!(there.is_revoked_now(&of_session("old", 0)), Some(true));
    assert_eq!(there.is_revoked_now(&of_session("new", 0)), Some(false));
    assert_eq!(store.checks(), 0, "a login sends no checks to the store");
}

#[tokio::test(start_paused = true)]
async fn ids_belong_to_one_user_and_one_kind() {
    let store = TestFeed::new();
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
