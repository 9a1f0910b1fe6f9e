//! Rules of every feed. Two stores on one server stand for two processes.

use std::{num::NonZeroUsize, time::Duration};

use tokio::time::{Instant, sleep, timeout};
use tower_jwt_auth::{
    NumericDate,
    store::{
        Consume, Consumed, NewSession, Revocation, Spend, Spent, TokenRef, TokenStore,
        replica::{RevocationFeed, RevocationReplica},
    },
    token::UserId,
};

use super::{KEEP_UNTIL, NOW, millis, secs};
use crate::support::session::new_id;

/// How soon a revocation must be known elsewhere, with a margin for a busy machine.
const SOON: Duration = Duration::from_millis(900);

/// Creates a test of each rule. `connector`, in the calling module, returns a function that connects
/// to private keys or tables, or `None` if there is no server.
macro_rules! feed_rules {
    ($name:literal) => {
        mod conformance {
            use super::connector;
            use crate::{replica::feed_rules::fresh, support::retrying::RetryingStore};

            tower_jwt_auth::token_store_conformance!(
                match connector() {
                    Some(connect) => RetryingStore(fresh(connect()).await),
                    None => return,
                },
                forgets_by_itself
            );
        }

        #[tokio::test(flavor = "multi_thread")]
        async fn notifies_of_everything() {
            let Some(connect) = connector() else { return };
            crate::replica::feed_rules::notifies_of_everything(connect(), connect()).await;
        }

        #[tokio::test(flavor = "multi_thread")]
        async fn loads_everything() {
            let Some(connect) = connector() else { return };
            crate::replica::feed_rules::loads_everything(connect()).await;
        }

        #[tokio::test(flavor = "multi_thread")]
        async fn notifies_soon() {
            let Some(connect) = connector() else { return };
            let (here, there) = (connect(), connect());
            crate::replica::feed_rules::notifies_soon($name, here, there).await;
        }
    };
}
pub(super) use feed_rules;

pub(crate) async fn fresh<S: RevocationFeed>(store: S) -> RevocationReplica<S> {
    let replica = RevocationReplica::new(store);
    timeout(secs(20), replica.until_fresh()).await.expect("the replica becomes fresh");
    replica
}

/// The ids of an access token.
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

/// Waits until the replica itself rejects `token`, and returns how long that took.
pub(super) async fn rejected<S: RevocationFeed>(
    replica: &RevocationReplica<S>,
    token: &TokenRef<'_>,
) -> Duration {
    let began = Instant::now();
    while replica.is_revoked_now(token) != Some(true) {
        assert!(began.elapsed() < secs(10), "the replica learns of the revocation");
        tokio::task::yield_now().await;
    }
    began.elapsed()
}

pub(super) async fn notifies_of_everything<S: RevocationFeed>(here: S, there: S) {
    let (here, there) = (fresh(here).await, fresh(there).await);
    let soon = async |token: &TokenRef<'_>, what: &str| {
        let taken = rejected(&there, token).await;
        assert!(taken < SOON, "{what} is rejected after {taken:?}");
        assert!(there.is_revoked(token).await.unwrap(), "{what} is rejected by the store");
    };

    let unusual = ["", "\0", "\u{1}\0", "\"[]\\", "a\nb\u{7f}", "ünï ☃", "{x}", "*?", "t:u"];
    for (number, unusual) in unusual.into_iter().enumerate() {
        let unique = new_id();
        let user = UserId::from(format!("{unusual}{unique}{unusual}"));
        let (jti, session) = (format!("{unique}{unusual}"), Some(format!("{unusual}{unique}")));
        let token = Token { user, jti, session };
        assert_eq!(there.is_revoked_now(&token.as_ref()), Some(false));
        token.revoke(&here).await;
        soon(&token.as_ref(), &format!("token {number}")).await;

        let other = Token { jti: new_id(), ..token.clone() };
        assert_eq!(there.is_revoked_now(&other.as_ref()), Some(false));
        let (session_id, user_id) = (other.session.as_deref().unwrap(), &other.user);
        here.begin(&other.beginning("r")).await.unwrap();
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
    soon(&spent.as_ref(), "a session after reuse").await;

    let adopted = Token::new();
    for (successor, expected) in [("r2", Spent::First), ("r3", Spent::Reused)] {
        let beginning = adopted.beginning("r1");
        let spend = Spend::new(&beginning, NOW, successor).with_adoption(true);
        assert_eq!(here.spend(&spend).await.unwrap(), expected);
    }
    soon(&adopted.as_ref(), "an adopted session after reuse").await;

    let limit = NonZeroUsize::new(1);
    let old = Token::new();
    let new = Token { user: old.user.clone(), ..Token::new() };
    here.begin(&old.beginning("r1").with_limit(limit)).await.unwrap();
    here.begin(&new.beginning("r2").with_limit(limit)).await.unwrap();
    soon(&old.as_ref(), "a session beyond the limit").await;
    assert_eq!(there.is_revoked_now(&new.as_ref()), Some(false));

    let used = Token { session: None, ..Token::new() };
    let code = Token { jti: new_id(), ..used.clone() };
    let known = there.len();
    let other = Consume::other(&code.jti, &code.user, KEEP_UNTIL);
    assert_eq!(here.consume(&other, NOW).await.unwrap(), Consumed::First);
    let token = Consume::token(&used.jti, &used.user, NOW, KEEP_UNTIL);
    assert_eq!(here.consume(&token, NOW).await.unwrap(), Consumed::First);
    soon(&used.as_ref(), "a token that was consumed").await;
    assert_eq!(there.len(), known + 1, "only the token is known");
    assert_eq!(there.consume(&token, NOW).await.unwrap(), Consumed::Before);
    assert_eq!(there.consume(&other, NOW).await.unwrap(), Consumed::Before);

    // The longest ids.
    let long = |id: String| id.clone() + &"é".repeat((255 - id.len()) / 2);
    let token = Token { user: long(new_id()).into(), jti: long(new_id()), session: None };
    token.revoke(&here).await;
    soon(&token.as_ref(), "a token with the longest ids").await;
}

/// Everything that was revoked before a replica starts is loaded, however much that is.
pub(super) async fn loads_everything<S: RevocationFeed + Clone>(store: S) {
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
            // A live session must not be loaded.
            let session =
                NewSession::new(jti, user_id, "r", NOW).with_expiry(keep_until, keep_until);
            store.begin(&session).await.unwrap();
            let ended = NewSession::new(session_id, user_id, "r", NOW);
            store.begin(&ended.with_expiry(keep_until, keep_until)).await.unwrap();
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

    let used = Token { session: None, ..Token::new() };
    for consume in [
        Consume::token(&used.jti, &used.user, NOW, KEEP_UNTIL),
        // Replicas do not need it.
        Consume::other(&used.jti, &used.user, KEEP_UNTIL),
    ] {
        assert_eq!(store.consume(&consume, NOW).await.unwrap(), Consumed::First);
    }

    let replica = fresh(store).await;
    assert_eq!(replica.len(), tokens.len() + 2, "nothing else is loaded");
    for token in tokens.iter().chain([&revoked, &used]) {
        assert_eq!(replica.is_revoked_now(&token.as_ref()), Some(true));
    }
    let live =
        Token { user: tokens[1].user.clone(), session: Some(tokens[1].jti.clone()), jti: new_id() };
    assert_eq!(replica.is_revoked_now(&live.as_ref()), Some(false));
}

/// Prints how soon a revoked token is rejected by another process.
pub(super) async fn notifies_soon<S: RevocationFeed>(name: &str, here: S, there: S) {
    let (here, there) = (fresh(here).await, fresh(there).await);
    let mut times = Vec::new();
    for _ in 0..200 {
        let token = Token::new();
        let began = Instant::now();
        token.revoke(here.store()).await;
        rejected(&there, &token.as_ref()).await;
        times.push(began.elapsed());
        sleep(millis(1)).await;
    }
    times.sort();
    let (median, longest) = (times[times.len() / 2], times[times.len() - 1]);
    println!(
        "{name}: a revoked token is rejected elsewhere after {median:?} (median), {longest:?} (longest)"
    );
    assert!(longest < SOON, "a revocation was known after {longest:?}");
}

/// While the server is down, the replica leaves tokens to the store, which fails. Afterwards no
/// revocation is missing.
pub(super) async fn loses_nothing_while_the_server_is_down<S: RevocationFeed>(
    store: S,
    other: S,
    mut stop: impl FnMut(),
    mut start: impl FnMut(),
) {
    let replica = fresh(store).await;
    let before = Token::new();
    before.revoke(&other).await;
    rejected(&replica, &before.as_ref()).await;
    let other_token = Token::new();
    for round in 0..3 {
        stop();
        let stopped = Instant::now();
        while let Some(is_revoked) = replica.is_revoked_now(&other_token.as_ref()) {
            assert!(!is_revoked);
            assert!(stopped.elapsed() < secs(1), "the replica decides beyond `max_age`");
            sleep(millis(1)).await;
        }
        assert!(replica.is_revoked(&before.as_ref()).await.is_err(), "the store is down");
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
        timeout(secs(20), revoked).await.expect("the store is up");
        let returned = Instant::now();
        // From now on nobody may accept the token.
        let is_revoked = loop {
            if let Some(is_revoked) = replica.is_revoked_now(&meanwhile.as_ref()) {
                break is_revoked;
            }
            assert!(replica.is_revoked(&meanwhile.as_ref()).await.unwrap());
            assert!(returned.elapsed() < secs(10), "the replica recovers");
            sleep(millis(5)).await;
        };
        assert!(is_revoked, "what was revoked meanwhile is loaded");
        assert_eq!(replica.is_revoked_now(&before.as_ref()), Some(true));
    }
}

#[test]
fn now_is_in_the_future() {
    assert!(NOW > NumericDate::from(std::time::SystemTime::now()));
}
