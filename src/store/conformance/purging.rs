use std::num::NonZeroUsize;

use crate::store::{Consume, Consumed, Revocation, Spend, Spent, TokenRef, TokenStore};

use super::scene::{
    DAY, Ids, Login, Terms, at, consume, is_revoked, new_id, new_user, revoke, revoke_user,
};

/// The time at which the entries of these rules are due. It is long after the times of the other
/// rules and long before the `keep_until` of their entries, so all rules can share a database.
const DUE: u64 = 1_000 * DAY;

async fn purge<S: TokenStore>(store: &S, now: u64, limit: usize) -> usize {
    let forgotten = store.purge(at(now), limit).await.expect("the store purges");
    assert!(forgotten <= limit, "purging forgets at most {limit} entries, not {forgotten}");
    forgotten
}

async fn purge_all<S: TokenStore>(store: &S, now: u64) {
    for limit in [usize::MAX, 1_000] {
        while purge(store, now, limit).await > 0 {}
    }
}

/// Entries are kept until their `keep_until`, and deleted at that time.
pub async fn purging_forgets_what_is_due<S: TokenStore>(store: &S) {
    let user_id = &new_user();
    let session = Ids::of(&new_user()).on(store);
    session.begin(0, DUE).await;
    let terms = Terms::default();
    let (newest, spent) = (new_id(), &session.ids.first);
    session.spend_keeping(spent, &newest, 1, terms, DUE).await;
    let ended = Ids::of(user_id).on(store);
    ended.begin(0, DUE).await;
    let (jti, session_id) = (&new_id(), &ended.ids.session);
    revoke(store, &Revocation::Token { jti, user_id, keep_until: at(DUE) }, 1).await;
    revoke(store, &Revocation::Session { session_id, user_id, keep_until: at(DUE) }, 1).await;
    let revoked_user = &new_user();
    let revocation = Revocation::User { user_id: revoked_user, except: None, keep_until: at(DUE) };
    revoke(store, &revocation, 1).await;

    let of_user = TokenRef::new(user_id.as_str(), at(0));
    let revoked = [
        ("a revoked token", of_user.with_jti(Some(jti))),
        ("a token of a revoked session", of_user.with_session(Some(session_id))),
        ("a token of a revoked user", TokenRef::new(revoked_user.as_str(), at(1))),
    ];
    purge_all(store, DUE - 1).await;
    for (what, token) in &revoked {
        assert!(is_revoked(store, token).await, "{what} is kept until the last second");
    }
    assert!(session.is_refresh_revoked(spent, true).await, "a spent token is kept");
    session.assert_alive(&newest, "a session in its last second").await;

    purge_all(store, DUE).await;
    for (what, token) in &revoked {
        assert!(!is_revoked(store, token).await, "{what} is forgotten at its `keep_until`");
    }
    assert!(session.listed().await.is_none(), "a session is forgotten at its `keep_until`");
    let spend = session.spend(&newest, 2).await;
    assert_eq!(spend, Spent::Revoked, "a forgotten session is unknown");
    assert!(!session.is_access_revoked().await, "a forgotten session has not ended");
}

/// Purging deletes as many due entries as the limit allows, and returns their number.
pub async fn purging_keeps_to_its_limit<S: TokenStore>(store: &S) {
    purge_all(store, DUE).await;
    let user_id = &new_user();
    for _ in 0..4 {
        // These are checked first, and are not due yet.
        let session = Ids::of(user_id).on(store);
        session.begin(0, DUE - 1).await;
        let first = &session.ids.first;
        session.spend_keeping(first, &new_id(), 1, Terms::default(), DUE + 1).await;
    }
    for user_id in [user_id, &new_user()] {
        Ids::of(user_id).on(store).begin(0, DUE).await;
        let ended = Ids::of(user_id).on(store);
        ended.begin(0, DUE).await;
        let (jti, session_id) = (&new_id(), &ended.ids.session);
        let keep_until = at(DUE);
        revoke(store, &Revocation::Token { jti, user_id, keep_until }, 1).await;
        revoke(store, &Revocation::Session { session_id, user_id, keep_until }, 1).await;
    }
    let revocation = Revocation::User { user_id: &new_user(), except: None, keep_until: at(DUE) };
    revoke(store, &revocation, 1).await;

    assert_eq!(purge(store, DUE - 2, usize::MAX).await, 0, "nothing is due");
    assert_eq!(purge(store, DUE, 0).await, 0, "the limit is zero");
    for (limit, expected) in [(1, 1), (3, 3), (2, 2), (4, 1), (4, 0)] {
        assert_eq!(purge(store, DUE, limit).await, expected, "at most {limit} are forgotten");
    }
    assert_eq!(purge(store, DUE + 1, 5).await, 4, "the remaining entries are due now");
    assert_eq!(purge(store, DUE + 1, usize::MAX).await, 0, "nothing is left");
}

/// Uses are remembered until their `keep_until`, and deleted at that time.
pub async fn uses_are_remembered_until_they_are_due<S: TokenStore>(store: &S) {
    let (user, revoked_user, id) = (new_user(), new_user(), new_id());
    revoke_user(store, &revoked_user, 1).await;
    let consumptions = [
        Consume::token(&id, &user, at(0), at(DUE)),
        Consume::other(&id, &user, at(DUE)),
        Consume::other(&id, &revoked_user, at(DUE)),
    ];
    for consumption in &consumptions {
        assert_eq!(consume(store, consumption, 1).await, Consumed::First, "it was not used");
    }
    purge_all(store, DUE - 1).await;
    for consumption in &consumptions {
        assert_eq!(consume(store, consumption, 2).await, Consumed::Before, "its last second");
    }
    assert_eq!(purge(store, DUE, usize::MAX).await, 3, "each use counts");
    for consumption in &consumptions {
        assert_eq!(consume(store, consumption, 3).await, Consumed::First, "it is forgotten");
    }
    purge_all(store, DUE).await;
}

/// Spending extends the time for which a session is kept, and never shortens it.
pub async fn spending_extends_what_is_remembered<S: TokenStore>(store: &S) {
    let (login, terms) = (Ids::of(&new_user()).on(store), Terms::default());
    login.begin(0, DUE).await;
    let (second, third) = (new_id(), new_id());
    login.spend_keeping(&login.ids.first, &second, 1, terms, DUE + 100).await;
    login.spend_keeping(&second, &third, 2, terms, DUE + 50).await;
    purge_all(store, DUE + 99).await;
    login.assert_alive(&third, "a session whose time was extended").await;
    purge_all(store, DUE + 100).await;
    assert_eq!(login.spend(&third, 3).await, Spent::Revoked, "its time is over");

    let login = Ids::of(&new_user()).on(store);
    login.begin(0, DUE).await;
    login.spend_keeping(&login.ids.first, &second, 1, terms, DUE).await;
    let spent = login.spend_keeping(&login.ids.first, &third, 2, terms, DUE + 100).await;
    assert_eq!(spent, Spent::Reused, "a second spending is reuse");
    purge_all(store, DUE + 99).await;
    login.assert_ended(&second, "a session after reuse").await;
}

/// A revocation lasts until the latest of its `keep_until` times. An ended session stays ended.
pub async fn revoking_extends_what_is_remembered<S: TokenStore>(store: &S) {
    let (user_id, jti) = (&new_user(), &new_id());
    let login = Login::begun(store).await;
    let short = Login::begun(store).await;
    let lasting = Ids::of(&new_user()).on(store);
    lasting.begin(0, DUE).await;
    for (now, keep_until) in [(10, DUE), (20, DUE - 50), (5, DUE + 50), (5, DUE - 50)] {
        let keep_until = at(keep_until);
        revoke(store, &Revocation::Token { jti, user_id, keep_until }, now).await;
        revoke(store, &Revocation::User { user_id, except: None, keep_until }, now).await;
        let Ids { user, session, .. } = &lasting.ids;
        let revocation = Revocation::Session { session_id: session, user_id: user, keep_until };
        revoke(store, &revocation, now).await;
    }
    let Ids { user, session, .. } = &short.ids;
    let keep_until = at(DUE);
    let revocation = Revocation::Session { session_id: session, user_id: user, keep_until };
    revoke(store, &revocation, 1).await;
    let revocation = Revocation::User { user_id: &login.ids.user, except: None, keep_until };
    revoke(store, &revocation, 1).await;

    let token = TokenRef::new(user_id.as_str(), at(10));
    purge_all(store, DUE - 1).await;
    assert!(is_revoked(store, &token).await, "a revoked user, to the last second");
    purge_all(store, DUE + 49).await;
    let older = TokenRef { issued_at: at(5), ..token };
    assert!(is_revoked(store, &older).await, "a revoked user, to the later last second");
    let other = TokenRef { issued_at: at(30), ..token };
    assert!(is_revoked(store, &other.with_jti(Some(jti))).await, "a revoked token");
    lasting.assert_ended(&lasting.ids.first, "a revoked session").await;

    purge_all(store, DUE + 50).await;
    assert!(!is_revoked(store, &older.with_jti(Some(jti))).await, "all these revocations are over");
    assert!(!lasting.is_access_revoked().await, "a forgotten session has not ended");
    short.assert_ended(&short.ids.first, "a session that outlasts its revocation").await;
    login.assert_ended(&login.ids.first, "a session that outlasts its user's revocation").await;
    revoke_user(store, user_id, 30).await;
    assert!(is_revoked(store, &other).await, "a user can be revoked again");
}

/// An ended session is kept until its access tokens have expired, and no longer.
pub async fn an_ended_session_outlives_its_access_tokens_only<S: TokenStore>(store: &S) {
    let user = new_user();
    let [revoked, reused, displaced, live] = [(); 4].map(|()| Ids::of(&user).on(store));
    for (login, now) in [(&displaced, 0), (&revoked, 1), (&reused, 2)] {
        let session = login.beginning(now).with_expiry(at(DUE + 100), at(DUE + 100));
        login.begin_as(&session.with_access_until(at(DUE - 10))).await;
    }
    let newest = new_id();
    let session = reused.beginning(3).with_expiry(at(DUE + 100), at(DUE + 100));
    for (successor, access_until) in [(&*newest, DUE), (&*new_id(), DUE - 20)] {
        let spend = Spend::new(&session.with_access_until(at(access_until)), at(2), successor);
        store.spend(&spend).await.expect("the store spends a token");
    }
    let Ids { session: session_id, user: user_id, .. } = &revoked.ids;
    for keep_until in [DUE, DUE - 20] {
        let keep_until = at(keep_until);
        revoke(store, &Revocation::Session { session_id, user_id, keep_until }, 4).await;
    }
    let session = live.beginning(5).with_expiry(at(DUE + 100), at(DUE + 100));
    let session = session.with_access_until(at(DUE)).with_limit(NonZeroUsize::new(1));
    assert!(live.begin_as(&session).await == [Box::from(&*displaced.ids.session)], "the limit");

    let ended = [("revoked", &revoked), ("reused", &reused), ("displaced", &displaced)];
    purge_all(store, DUE - 1).await;
    for (how, login) in ended {
        assert!(login.is_access_revoked().await, "{how}: its access tokens have not expired");
    }
    purge_all(store, DUE).await;
    for (how, login) in ended {
        assert!(!login.is_access_revoked().await, "{how}: it is forgotten");
        let spent = login.spend(&login.ids.first, 6).await;
        assert_eq!(spent, Spent::Revoked, "{how}: it is unknown");
    }
    live.assert_alive(&live.ids.first, "a session that has not ended").await;
}

/// An adopted session is kept until its first token has expired, even if it ended earlier.
/// Otherwise the token could be adopted again.
pub async fn an_ended_session_is_not_adopted_again<S: TokenStore>(store: &S) {
    let login = Ids::without_session(&new_user()).on(store);
    let session = login.beginning(1).with_expiry(at(DUE), at(DUE)).with_access_until(at(10));
    let spend = Spend::new(&session, at(0), "second").with_adoption(true);
    assert_eq!(store.spend(&spend).await.expect("the store spends a token"), Spent::First);
    let Ids { session: session_id, user: user_id, .. } = &login.ids;
    revoke(store, &Revocation::Session { session_id, user_id, keep_until: at(10) }, 2).await;
    purge_all(store, DUE - 1).await;
    let again = Spend { successor: "third", now: at(3), ..spend };
    let spent = store.spend(&again).await.expect("the store spends a token");
    assert_eq!(spent, Spent::Revoked, "the session has ended");
}

/// The revocation of a user is remembered at least as long as the sessions that it ended, however
/// little each call purges.
pub async fn revoked_users_outlast_their_sessions<S: TokenStore>(store: &S) {
    purge_all(store, DUE).await;
    let logins = [Login::begun(store).await, Login::begun(store).await, Login::begun(store).await];
    for Login { ids: Ids { user: user_id, .. }, .. } in &logins {
        revoke(store, &Revocation::User { user_id, except: None, keep_until: at(DUE) }, 1).await;
    }
    for _ in 0..4 {
        purge(store, DUE, 1).await;
        for login in &logins {
            login.assert_ended(&login.ids.first, "a session of a revoked user").await;
        }
    }
}
