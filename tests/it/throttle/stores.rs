//! Each store counts by the same rules, for all processes that share it.

use std::time::Duration;

use futures::future::join_all;
use proptest::{
    prelude::*,
    test_runner::{Config, TestRunner},
};
use tokio::runtime::Runtime;
use tower_jwt_auth::{
    NumericDate,
    store::{
        Attempt, AttemptLimit, Attempted, MemoryStore, PostgresStore, SqliteStore, ThrottleStore,
        TokenStore,
    },
};

use crate::support::{folder::Folder, login::NOW, postgres, redis, session::new_id};

/// The tests of a store. `$store` is an `Option` of two connections to one store and of what must live
/// as long.
macro_rules! tests_on {
    ($name:ident, $cases:literal, $stores:expr) => {
        mod $name {
            use super::*;

            #[test]
            fn results_are_those_of_the_model() {
                let runtime = Runtime::new().unwrap();
                if let Some((store, _, _guard)) = runtime.block_on(async { $stores }) {
                    super::results_are_those_of_the_model(&runtime, &store, $cases);
                }
            }

            #[tokio::test(flavor = "multi_thread")]
            async fn concurrent_attempts_never_exceed_the_limit() {
                if let Some((one, other, _guard)) = $stores {
                    super::concurrent_attempts_never_exceed_the_limit(&one, &other).await;
                }
            }

            #[tokio::test]
            async fn a_repeated_attempt_counts_once() {
                if let Some((store, other, _guard)) = $stores {
                    super::a_repeated_attempt_counts_once(&store, &other).await;
                }
            }

            #[tokio::test]
            async fn a_clock_that_was_ahead_blocks_for_the_longest_wait() {
                if let Some((store, _, _guard)) = $stores {
                    super::a_clock_that_was_ahead_blocks_for_the_longest_wait(&store).await;
                }
            }

            #[tokio::test]
            async fn rejects_invalid_attempts() {
                if let Some((store, _, _guard)) = $stores {
                    super::rejects_invalid_attempts(&store).await;
                }
            }
        }
    };
}

tests_on!(in_memory, 300, {
    let store = MemoryStore::new();
    Some((store.clone(), store, ()))
});
tests_on!(on_sqlite, 15, {
    let folder = Folder::new();
    let url = format!("sqlite:{}/sessions.db", folder.path().display());
    let connect = || SqliteStore::connect_lazy(&url).unwrap();
    Some((connect(), connect(), folder))
});
tests_on!(on_postgres, 15, {
    postgres::shared().map(|server| {
        let connect = || PostgresStore::connect_lazy(&server.url()).unwrap();
        (connect(), connect(), ())
    })
});
tests_on!(on_redis, 30, redis::shared().map(|server| (server.store(), server.store(), ())));
tests_on!(on_a_redis_cluster, 15, {
    redis::shared_cluster().map(|cluster| (cluster.store(), cluster.store(), ()))
});

fn limit(attempts: u32, recovery: u64, first: u64, longest: u64) -> AttemptLimit {
    let secs = Duration::from_secs;
    let limit = AttemptLimit::new(attempts).unwrap().with_recovery(secs(recovery)).unwrap();
    limit.with_waits(secs(first), secs(longest)).unwrap()
}

fn at(secs: u64) -> NumericDate {
    NumericDate::from_secs(NOW + secs)
}

/// The rule of the documentation, counted attempt by attempt instead of by times.
#[derive(Default)]
struct Model {
    /// When each counted attempt is forgotten, in order.
    forgotten_at: Vec<u64>,
    blocked_until: u64,
    blocked_by: Option<usize>,
}

impl Model {
    fn attempt(&mut self, limit: AttemptLimit, index: usize, now: u64) -> Option<u64> {
        if self.blocked_until > now {
            return Some(self.blocked_until);
        }
        self.forgotten_at.retain(|end| *end > now);
        let last = self.forgotten_at.last().copied().unwrap_or(now);
        self.forgotten_at.push(last + limit.recovery().as_secs());
        self.blocked_until = 0;
        let mut wait = limit.first_wait().as_secs();
        if let Some(surplus) =
            self.forgotten_at.len().checked_sub(limit.attempts().try_into().unwrap())
        {
            (0..surplus).for_each(|_| wait *= 2);
            self.blocked_until = now + wait.min(limit.longest_wait().as_secs());
        }
        self.blocked_by = Some(index);
        None
    }

    fn take_back(&mut self, index: usize) {
        self.forgotten_at.pop();
        if self.blocked_by == Some(index) {
            self.blocked_until = 0;
        }
    }
}

#[derive(Clone, Debug)]
enum Step {
    Attempt,
    TakeBackLast,
    Forget,
    Wait(u64),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        8 => Just(Step::Attempt),
        1 => Just(Step::TakeBackLast),
        1 => Just(Step::Forget),
        4 => (0..40_u64).prop_map(Step::Wait),
        1 => (0..400_u64).prop_map(Step::Wait),
    ];
    prop::collection::vec(step, 1..60)
}

fn limits() -> impl Strategy<Value = AttemptLimit> {
    (1..6_u32, 1..60_u64, 1..20_u64, 20..300_u64)
        .prop_map(|(attempts, recovery, first, longest)| limit(attempts, recovery, first, longest))
}

fn results_are_those_of_the_model(runtime: &Runtime, store: &impl ThrottleStore, cases: u32) {
    let config = Config { cases, failure_persistence: None, ..Config::default() };
    let result = TestRunner::new(config).run(&(limits(), steps()), |(limit, steps)| {
        runtime.block_on(async {
            let (name, mut model, mut now, mut last) = (new_id(), Model::default(), 0, None);
            for (index, step) in steps.into_iter().enumerate() {
                let id = format!("{name}-{index}");
                match step {
                    Step::Wait(secs) => now += secs,
                    Step::Attempt => {
                        let attempt = Attempt { name: &name, id: &id, limit, now: at(now) };
                        let outcome = store.attempt(&attempt).await.unwrap();
                        let expected = match model.attempt(limit, index, now) {
                            Some(until) => Attempted::Blocked { until: at(until) },
                            None => Attempted::Permitted,
                        };
                        prop_assert_eq!(outcome, expected);
                        if outcome == Attempted::Permitted {
                            last = Some((index, id, now));
                        }
                    }
                    // Only at once, because the model forgets attempts in their order.
                    Step::TakeBackLast => {
                        if let Some((index, id, then)) = last.take()
                            && then == now
                        {
                            let attempt = Attempt { name: &name, id: &id, limit, now: at(now) };
                            store.take_back(&attempt).await.unwrap();
                            model.take_back(index);
                        }
                    }
                    Step::Forget => {
                        store.forget_attempts(&name).await.unwrap();
                        (model, last) = (Model::default(), None);
                    }
                }
            }
            Ok(())
        })
    });
    result.unwrap();
}

/// Also between two processes, which have a connection each.
async fn concurrent_attempts_never_exceed_the_limit<S: ThrottleStore>(one: &S, other: &S) {
    let (name, limit) = (new_id(), limit(7, 900, 30, 3_600));
    let attempts = (0..100).map(|index| {
        let (name, store) = (&name, if index % 2 == 0 { one } else { other });
        async move {
            let id = new_id();
            store.attempt(&Attempt { name, id: &id, limit, now: at(0) }).await.unwrap()
        }
    });
    let outcomes = join_all(attempts).await;
    let permitted = outcomes.iter().filter(|outcome| **outcome == Attempted::Permitted);
    assert_eq!(permitted.count(), 7);
    let blocked = Attempted::Blocked { until: at(30) };
    assert_eq!(outcomes.iter().filter(|outcome| **outcome == blocked).count(), 93);
}

async fn a_repeated_attempt_counts_once<S: ThrottleStore>(store: &S, other: &S) {
    let (name, id, limit) = (new_id(), new_id(), limit(2, 900, 30, 3_600));
    let attempt = Attempt { name: &name, id: &id, limit, now: at(0) };
    for store in [store, other, store] {
        assert_eq!(store.attempt(&attempt).await.unwrap(), Attempted::Permitted);
    }
    let next = new_id();
    let attempt = Attempt { id: &next, ..attempt };
    assert_eq!(store.attempt(&attempt).await.unwrap(), Attempted::Permitted);
    assert_eq!(other.attempt(&attempt).await.unwrap(), Attempted::Permitted);
    let last = new_id();
    let blocked = other.attempt(&Attempt { id: &last, ..attempt }).await.unwrap();
    assert_eq!(blocked, Attempted::Blocked { until: at(30) });
}

async fn a_clock_that_was_ahead_blocks_for_the_longest_wait(store: &impl ThrottleStore) {
    let (name, limit) = (new_id(), limit(1, 60, 30, 300));
    let attempt = async |now| {
        let id = new_id();
        store.attempt(&Attempt { name: &name, id: &id, limit, now: at(now) }).await.unwrap()
    };
    assert_eq!(attempt(1_000_000).await, Attempted::Permitted);
    assert_eq!(attempt(0).await, Attempted::Blocked { until: at(300) });
    assert_eq!(attempt(299).await, Attempted::Blocked { until: at(300) });
    assert_eq!(attempt(300).await, Attempted::Permitted);
}

async fn rejects_invalid_attempts(store: &impl ThrottleStore) {
    let limit = limit(1, 60, 30, 300);
    let long = "x".repeat(256);
    for (name, id) in [("name", ""), ("name", &*long), (&*long, "id")] {
        assert!(store.attempt(&Attempt { name, id, limit, now: at(0) }).await.is_err());
        assert!(store.take_back(&Attempt { name, id, limit, now: at(0) }).await.is_err());
    }
    assert!(store.forget_attempts(&long).await.is_err());
}

/// Attempts `count` times, and returns the last outcome.
async fn attempt_often(store: &impl ThrottleStore, count: u32) -> Attempted {
    let mut outcome = Attempted::Permitted;
    for _ in 0..count {
        let (id, limit) = (new_id(), limit(3, 900, 30, 3_600));
        let attempt = Attempt { name: "ada", id: &id, limit, now: at(0) };
        outcome = store.attempt(&attempt).await.unwrap();
    }
    outcome
}

#[tokio::test]
async fn counts_survive_a_restart_on_sqlite() {
    let folder = Folder::new();
    let url = format!("sqlite:{}/sessions.db", folder.path().display());
    attempt_often(&SqliteStore::connect_lazy(&url).unwrap(), 3).await;
    let outcome = attempt_often(&SqliteStore::connect_lazy(&url).unwrap(), 1).await;
    assert_eq!(outcome, Attempted::Blocked { until: at(30) });
}

#[tokio::test]
async fn counts_survive_a_crash_of_postgres() {
    let Some(server) = postgres::Server::start() else { return };
    let store = PostgresStore::connect_lazy(&server.url()).unwrap();
    attempt_often(&store, 3).await;
    server.kill();
    assert!(
        store
            .attempt(&Attempt { name: "bob", id: "1", limit: limit(3, 900, 30, 3_600), now: at(0) })
            .await
            .is_err()
    );
    server.run();
    assert_eq!(attempt_often(&store, 1).await, Attempted::Blocked { until: at(30) });
}

#[tokio::test]
async fn counts_survive_a_crash_of_redis() {
    if !redis::is_installed() {
        return;
    }
    let mut server = redis::RedisServer::start(&[]);
    let store = server.store();
    attempt_often(&store, 3).await;
    server.kill();
    let attempt = Attempt { name: "bob", id: "1", limit: limit(3, 900, 30, 3_600), now: at(0) };
    assert!(store.attempt(&attempt).await.is_err());
    server.restart();
    assert_eq!(attempt_often(&store, 1).await, Attempted::Blocked { until: at(30) });
}

#[tokio::test]
async fn redis_forgets_by_itself() {
    let Some(server) = redis::shared() else { return };
    let (store, name, id) = (server.store(), new_id(), new_id());
    let attempt = Attempt { name: &name, id: &id, limit: limit(3, 900, 30, 3_600), now: at(0) };
    store.attempt(&attempt).await.unwrap();
    let ttl: i64 = server.run(&format!("TTL jwt:2:attempts:{name}")).await;
    assert!((3_600..=3_660).contains(&ttl), "{ttl}");
}

#[tokio::test]
async fn sqlite_purges_attempts_that_are_over() {
    let folder = Folder::new();
    let url = format!("sqlite:{}/sessions.db", folder.path().display());
    let store = SqliteStore::connect_lazy(&url).unwrap();
    attempt_often(&store, 3).await;
    assert_eq!(store.purge(at(2_699), 10).await.unwrap(), 0);
    assert_eq!(store.purge(at(3_600), 10).await.unwrap(), 1);
}

#[tokio::test]
async fn memory_is_bounded_and_keeps_the_longest_waits() {
    let store = MemoryStore::new();
    let attempt = async |name: &str, recovery| {
        let (id, limit) = (new_id(), limit(1, recovery, 30, 300));
        store.attempt(&Attempt { name, id: &id, limit, now: at(0) }).await.unwrap()
    };
    attempt("short", 60).await;
    attempt("long", 7_200).await;
    for index in 0..100_000 {
        attempt(&index.to_string(), 900).await;
    }
    assert_eq!(attempt("short", 60).await, Attempted::Permitted);
    assert_eq!(attempt("long", 7_200).await, Attempted::Blocked { until: at(30) });
    assert!(store.is_empty(), "attempts take no room of sessions");
}
