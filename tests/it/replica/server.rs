//! What holds of every feed, between two processes on one server: each is a store of its own.

use std::{num::NonZeroUsize, time::Duration};

use tokio::time::{Instant, sleep, timeout};
use tower_jwt_auth::{
    NumericDate,
    store::{
        NewSession, Revocation, RevocationReplica, Spend, Spent, TokenRef, TokenStore,
        replica::RevocationFeed,
    },
    token::UserId,
};

use super::{KEEP_UNTIL, NOW, millis, secs};
use crate::support::session::new_id;

/// In which time a revocation must be known elsewhere, with room for a busy machine.
const SOON: Duration = Duration::from_millis(900);

/// Makes the tests of all that holds of every feed. `connector`, where this is called, gives a
/// function that connects to keys or tables of its own, or nothing where there is no server.
macro_rules! feed_rules {
    ($name:literal) => {
        mod conformance {
            use super::connector;
            use crate::{replica::server::fresh, support::retrying::RetryingStore};

            tower_jwt_auth::token_store_conformance!(
                match connector() {
                    Some(connect) => RetryingStore(fresh(connect()).await),
                    None => return,
                },
                forgets_by_itself
            );
        }

        #[tokio::test(flavor = "multi_thread")]
        async fn everything_is_told() {
            let Some(connect) = connector() else { return };
            crate::replica::server::everything_is_told(connect(), connect()).await;
        }

        #[tokio::test(flavor = "multi_thread")]
        async fn everything_is_loaded() {
            let Some(connect) = connector() else { return };
            crate::replica::server::everything_is_loaded(connect()).await;
        }

        #[tokio::test(flavor = "multi_thread")]
        async fn revocations_are_told_soon() {
            let Some(connect) = connector() else { return };
            let (here, there) = (connect(), connect());
            crate::replica::server::revocations_are_told_soon($name, here, there).await;
        }
    };
}
pub(super) use feed_rules;

pub(super) async fn fresh<S: RevocationFeed>(store: S) -> RevocationReplica<S> {
    let replica = RevocationReplica::new(store);
    timeout(secs(20), replica.until_fresh()).await.expect("the replica becomes fresh");
    replica
}

/// What an access token is, as text of its own.
#[derive(Clone)]
pub(super) struct Token {
    pub(super) user: UserId,
    pub(super) jti: String,
    pub(super) session: Option<String>,
}

impl Token {
    pub(super) fn new() -> Self {
        Self { user: new_id().into(), jti: new_id(), session: Some(new_id()) }
    }

    pub(super) fn as_ref(&self) -> TokenRef<'_> {
        TokenRef::new(self.user.as_str(), NOW)
            .with_jti(Some(&self.jti))
            .with_session(self.session.as_deref())
    }

    pub(super) async fn revoke<S: TokenStore>(&self, store: &S) {
        let (jti, user_id, keep_until) = (&*self.jti, &self.user, KEEP_UNTIL);
        store.revoke(&Revocation::Token { jti, user_id, keep_until }, NOW).await.unwrap();
    }

    fn beginning<'a>(&'a self, refresh: &'a str) -> NewSession<'a> {
        let session = self.session.as_deref().unwrap_or_default();
        NewSession::new(session, &self.user, refresh, NOW).with_expiry(KEEP_UNTIL, KEEP_UNTIL)
    }
}

/// How long it takes until `token` is refused without asking the store.
pub(super) async fn refused<S: RevocationFeed>(
    replica: &RevocationReplica<S>,
    token: &TokenRef<'_>,
) -> Duration {
    let began = Instant::now();
    while replica.is_revoked_now(token) != Some(true) {
        assert!(began.elapsed() < secs(10), "the replica never hears of it");
        tokio::task::yield_now().await;
    }
    began.elapsed()
}

pub(super) async fn everything_is_told<S: RevocationFeed>(here: S, there: S) {
    let (here, there) = (fresh(here).await, fresh(there).await);
    let soon = async |token: &TokenRef<'_>, what: &str| {
        let taken = refused(&there, token).await;
        assert!(taken < SOON, "{what} was refused after {taken:?}");
        assert!(there.is_revoked(token).await.unwrap(), "{what} is refused by the store");
    };

    let odd = ["", "\0", "\u{1}\0", "\"[]\\", "a\nb\u{7f}", "ünï ☃", "{x}", "*?", "t:u"];
    for (number, odd) in odd.into_iter().enumerate() {
        let unique = new_id();
        let user = UserId::from(format!("{odd}{unique}{odd}"));
        let (jti, session) = (format!("{unique}{odd}"), Some(format!("{odd}{unique}")));
        let token = Token { user, jti, session };
        assert_eq!(there.is_revoked_now(&token.as_ref()), Some(false));
        token.revoke(&here).await;
        soon(&token.as_ref(), &format!("token {number}")).await;

        let other = Token { jti: new_id(), ..token.clone() };
        assert_eq!(there.is_revoked_now(&other.as_ref()), Some(false));
        let (session_id, user_id) = (other.session.as_deref().unwrap(), &other.user);
        let revocation = Revocation::Session { session_id, user_id, keep_until: KEEP_UNTIL };
        here.revoke(&revocation, NOW).await.unwrap();
        soon(&other.as_ref(), &format!("session {number}")).await;

        let without = Token { session: None, ..other };
        assert_eq!(there.is_revoked_now(&without.as_ref()), Some(false));
        let user_id = &without.user;
        let revocation = Revocation::User { user_id, except: None, keep_until: KEEP_UNTIL };
        here.revoke(&revocation, NOW).await.unwrap();
        soon(&without.as_ref(), &format!("user {number}")).await;
    }

    let spent = Token::new();
    here.begin(&spent.beginning("r1")).await.unwrap();
    for (successor, expected) in [("r2", Spent::First), ("r3", Spent::Reused)] {
        let spend = Spend::new(&spent.beginning("r1"), NOW, successor);
        assert_eq!(here.spend(&spend).await.unwrap(), expected);
    }
    soon(&spent.as_ref(), "a session whose token was reused").await;

    let adopted = Token::new();
    for (successor, expected) in [("r2", Spent::First), ("r3", Spent::Reused)] {
        let beginning = adopted.beginning("r1");
        let spend = Spend::new(&beginning, NOW, successor).with_adoption(true);
        assert_eq!(here.spend(&spend).await.unwrap(), expected);
    }
    soon(&adopted.as_ref(), "an adopted session whose token was reused").await;

    let limit = NonZeroUsize::new(1);
    let old = Token::new();
    let new = Token { user: old.user.clone(), ..Token::new() };
    here.begin(&old.beginning("r1").with_limit(limit)).await.unwrap();
    here.begin(&new.beginning("r2").with_limit(limit)).await.unwrap();
    soon(&old.as_ref(), "a session that gave way to another").await;
    assert_eq!(there.is_revoked_now(&new.as_ref()), Some(false));

    // Longer than any message of PostgreSQL. The replica has to load everything again.
    let long = "x".repeat(9_000);
    let token = Token { user: long.into(), jti: new_id(), session: None };
    token.revoke(&here).await;
    refused(&there, &token.as_ref()).await;
}

/// What was revoked before a replica starts is loaded, however much it is.
pub(super) async fn everything_is_loaded<S: RevocationFeed + Clone>(store: S) {
    let mut tokens = Vec::new();
    let user: UserId = new_id().into();
    for number in 0..4_500 {
        let token = Token::new();
        let user = if number % 3 == 0 { user.clone() } else { token.user.clone() };
        tokens.push(Token { user, ..token });
    }
    for (index, chunk) in tokens.chunks(50).enumerate() {
        futures::future::join_all(chunk.iter().map(|token| async {
            let (user_id, keep_until) = (&token.user, KEEP_UNTIL);
            let (jti, session_id) = (&*token.jti, token.session.as_deref().unwrap());
            // A live session beside them is no revocation.
            let session =
                NewSession::new(jti, user_id, "r", NOW).with_expiry(keep_until, keep_until);
            store.begin(&session).await.unwrap();
            let revocation = if index % 2 == 0 {
                Revocation::Token { jti, user_id, keep_until }
            } else {
                Revocation::Session { session_id, user_id, keep_until }
            };
            store.revoke(&revocation, NOW).await.unwrap();
        }))
        .await;
    }
    let revoked = Token { session: None, ..Token::new() };
    let (user_id, except) = (&revoked.user, None);
    let revocation = Revocation::User { user_id, except, keep_until: KEEP_UNTIL };
    store.revoke(&revocation, NOW).await.unwrap();

    let replica = fresh(store).await;
    for token in tokens.iter().chain([&revoked]) {
        assert_eq!(replica.is_revoked_now(&token.as_ref()), Some(true));
    }
    let live =
        Token { user: tokens[1].user.clone(), session: Some(tokens[1].jti.clone()), jti: new_id() };
    assert_eq!(replica.is_revoked_now(&live.as_ref()), Some(false));
}

/// Prints in which time a revocation is refused by another process.
pub(super) async fn revocations_are_told_soon<S: RevocationFeed>(name: &str, here: S, there: S) {
    let (here, there) = (fresh(here).await, fresh(there).await);
    let mut times = Vec::new();
    for _ in 0..200 {
        let token = Token::new();
        let began = Instant::now();
        token.revoke(here.store()).await;
        refused(&there, &token.as_ref()).await;
        times.push(began.elapsed());
        sleep(millis(1)).await;
    }
    times.sort();
    let (median, longest) = (times[times.len() / 2], times[times.len() - 1]);
    println!(
        "{name}: revoked, and refused elsewhere, within {median:?} (median), {longest:?} (longest)"
    );
    assert!(longest < SOON, "a revocation was told after {longest:?}");
}

/// While `away` is not over, revocations are asked of the store, which fails; afterwards none is
/// missing. `back` is called with a store when the server is back, and before the replica knows.
pub(super) async fn nothing_is_missed_while_away<S: RevocationFeed>(
    store: S,
    other: S,
    mut stop: impl FnMut(),
    mut start: impl FnMut(),
) {
    let replica = fresh(store).await;
    let before = Token::new();
    before.revoke(&other).await;
    refused(&replica, &before.as_ref()).await;
    for round in 0..3 {
        stop();
        let stopped = Instant::now();
        while let Some(answer) = replica.is_revoked_now(&before.as_ref()) {
            assert!(answer);
            assert!(stopped.elapsed() < secs(1), "the replica answers beyond its bound");
            sleep(millis(1)).await;
        }
        assert!(replica.is_revoked(&before.as_ref()).await.is_err(), "the store is away");
        if round > 0 {
            sleep(millis(400)).await;
        }
        start();
        let meanwhile = Token::new();
        let revoked = async {
            let (jti, user_id, keep_until) = (&*meanwhile.jti, &meanwhile.user, KEEP_UNTIL);
            let revocation = Revocation::Token { jti, user_id, keep_until };
            while other.revoke(&revocation, NOW).await.is_err() {}
        };
        timeout(secs(20), revoked).await.expect("the store is back");
        let returned = Instant::now();
        // From now on nobody may take it for good.
        let answer = loop {
            let answer = replica.is_revoked_now(&meanwhile.as_ref());
            if answer.is_some() {
                break answer;
            }
            assert!(replica.is_revoked(&meanwhile.as_ref()).await.unwrap());
            assert!(returned.elapsed() < secs(10), "the replica does not recover");
            sleep(millis(5)).await;
        };
        assert_eq!(answer, Some(true), "what was revoked meanwhile is loaded");
        assert_eq!(replica.is_revoked_now(&before.as_ref()), Some(true));
    }
}

#[test]
fn the_times_of_these_tests_are_in_the_future() {
    assert!(NOW > NumericDate::from(std::time::SystemTime::now()));
}
