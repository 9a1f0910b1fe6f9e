//! Tests that every SQL store passes in addition to the conformance suite.

use std::{
    fmt::Debug,
    sync::Arc,
    time::{Duration, Instant},
};

use tower_jwt_auth::{
    ConfigError,
    store::{
        Attempt, AttemptLimit, Consume, NewSession, Page, PostgresStore, Revocation, Spent,
        SqliteStore, StoreError, ThrottleStore, TokenRef, TokenStore,
    },
    token::UserId,
};

use crate::support::{
    retrying::RetryingStore,
    session::{KEPT, at, begin, end, is_spent, new_id, spend, spend_as},
};

/// A database for one test.
pub(crate) trait Database {
    type Store: SqlStore;

    /// Returns a store with its own connections.
    fn connect(&self) -> Self::Store;

    async fn execute(&self, sql: &str);

    /// Returns the query plans of the statements of `store`, with one line per scan.
    async fn plans(&self, store: &Self::Store) -> Vec<String>;
}

/// The methods that the SQL stores have in common.
pub(crate) trait SqlStore: TokenStore + ThrottleStore + Clone + Debug {
    fn prefixed(&self, prefix: &str) -> Result<Self, ConfigError>;
    fn without_migration(&self) -> Self;
    fn migrate(&self) -> impl Future<Output = Result<(), StoreError>> + Send;
    fn statements(&self) -> Vec<String>;
}

macro_rules! sql_store {
    ($($store:ty)*) => {$(
        impl SqlStore for $store {
            fn prefixed(&self, prefix: &str) -> Result<Self, ConfigError> {
                self.clone().with_table_prefix(prefix)
            }

            fn without_migration(&self) -> Self {
                self.clone().with_automatic_migration(false)
            }

            async fn migrate(&self) -> Result<(), StoreError> {
                self.migrate().await
            }

            fn statements(&self) -> Vec<String> {
                self.statements().map(str::to_owned).collect()
            }
        }
    )*};
}
sql_store!(PostgresStore SqliteStore);

/// Defines a test for each rule. `$database` may `return` to skip the test if there is no database.
macro_rules! sql_store_rules {
    ($database:expr) => {
        crate::sql_store::sql_store_rules! {
            $database;
            creates_tables_on_first_use
            manual_migration_creates_tables
            concurrent_migrations_succeed
            works_with_tables_of_a_later_version
            stores_with_different_prefixes_are_independent
            rejects_invalid_prefixes
            spend_is_idempotent
            adoption_is_idempotent
            begin_is_idempotent
            preserves_ids_and_labels
            one_of_many_spends_over_two_pools_wins
            no_statement_scans_a_whole_table
            purge_does_not_block_writes
            purge_stops_at_its_limit
            dropped_calls_do_not_leak_connections
            debug_output_hides_the_url
        }
    };
    ($database:expr; $($rule:ident)*) => {$(
        #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
        async fn $rule() {
            let database = $database;
            crate::sql_store::$rule(&database).await;
        }
    )*};
}
pub(crate) use sql_store_rules;

pub async fn creates_tables_on_first_use<D: Database>(database: &D) {
    let store = database.connect();
    assert!(is_spent(&store, "ada", "first").await.unwrap());
    begin(&store, "ada", "first").await.unwrap();
    assert!(!is_spent(&store, "ada", "first").await.unwrap());
}

pub async fn manual_migration_creates_tables<D: Database>(database: &D) {
    let store = database.connect().without_migration();
    assert!(begin(&store, "ada", "first").await.is_err());
    assert!(is_spent(&store, "ada", "first").await.is_err());
    assert!(store.ping().await.is_err());
    for _ in 0..2 {
        database.connect().migrate().await.unwrap();
    }
    store.ping().await.unwrap();
    begin(&store, "ada", "first").await.unwrap();
    store.migrate().await.unwrap();
    assert!(!is_spent(&store, "ada", "first").await.unwrap());
}

pub async fn concurrent_migrations_succeed<D: Database>(database: &D) {
    let tasks: Vec<_> = (0..8)
        .map(|number| {
            let store = database.connect();
            tokio::spawn(async move {
                if number % 2 == 0 {
                    store.migrate().await?;
                }
                begin(&store, &number.to_string(), "first").await
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap().unwrap();
    }
}

pub async fn works_with_tables_of_a_later_version<D: Database>(database: &D) {
    database.connect().migrate().await.unwrap();
    database.execute("INSERT INTO jwt_migrations (version) VALUES (1000)").await;
    database.execute("ALTER TABLE jwt_sessions ADD COLUMN later BIGINT").await;
    let store = database.connect();
    store.migrate().await.unwrap();
    begin(&store, "ada", "first").await.unwrap();
    assert_eq!(spend(&store, "ada", "first", "second").await.unwrap(), Spent::First);
}

pub async fn stores_with_different_prefixes_are_independent<D: Database>(database: &D) {
    let store = database.connect();
    let longest = "p".repeat(40);
    let stores = ["jwt_", "_", "other_", "a1_", &longest].map(|prefix| store.prefixed(prefix));
    for (number, store) in stores.iter().enumerate() {
        let store = store.as_ref().unwrap();
        assert!(is_spent(store, "ada", "first").await.unwrap(), "store {number} is not empty");
        begin(store, "ada", "first").await.unwrap();
        end(store, "ada").await.unwrap();
    }
}

pub async fn rejects_invalid_prefixes<D: Database>(database: &D) {
    let store = database.connect();
    let too_long = "p".repeat(41);
    for prefix in [
        "", "1", "A", "jwt-", "jwt.", "a b", "é", "a\"", "a'", "a;", "a\0", "{users}", "pg_",
        "sqlite_", "sqlite_a", &too_long,
    ] {
        assert!(store.prefixed(prefix).is_err(), "{prefix:?}");
    }
}

/// A caller repeats a call whose response was lost. The repetition must not count as reuse.
pub async fn spend_is_idempotent<D: Database>(database: &D) {
    let store = database.connect();
    begin(&store, "ada", "first").await.unwrap();
    for _ in 0..2 {
        assert_eq!(spend(&store, "ada", "first", "second").await.unwrap(), Spent::First);
    }
    for _ in 0..2 {
        assert_eq!(spend(&store, "ada", "second", "third").await.unwrap(), Spent::First);
    }
    for _ in 0..2 {
        assert_eq!(spend(&store, "ada", "second", "stolen").await.unwrap(), Spent::Reused);
    }
    assert_eq!(spend(&store, "ada", "second", "other").await.unwrap(), Spent::Revoked);
    assert_eq!(spend(&store, "ada", "third", "fourth").await.unwrap(), Spent::Revoked);

    // The session ends after the first attempt, whose response was lost.
    begin(&store, "eve", "first").await.unwrap();
    assert_eq!(spend(&store, "eve", "first", "second").await.unwrap(), Spent::First);
    end(&store, "eve").await.unwrap();
    assert_eq!(spend(&store, "eve", "first", "second").await.unwrap(), Spent::Revoked);
}

pub async fn adoption_is_idempotent<D: Database>(database: &D) {
    let store = database.connect();
    let adopt = |successor| {
        let store = store.clone();
        async move { spend_as(&store, "ada", "ada", successor, |spend| spend.with_adoption(true)).await }
    };
    assert_eq!(adopt("second").await.unwrap(), Spent::First);
    assert_eq!(adopt("second").await.unwrap(), Spent::First);
    assert_eq!(adopt("stolen").await.unwrap(), Spent::Reused);
    assert_eq!(adopt("stolen").await.unwrap(), Spent::Reused);
    assert_eq!(adopt("second").await.unwrap(), Spent::Revoked);
}

/// A repeated call must not revive a session that has ended, and must not count it twice.
pub async fn begin_is_idempotent<D: Database>(database: &D) {
    let store = database.connect();
    let user = UserId::from("ada");
    let limited = |id: &'static str| {
        let (store, user) = (store.clone(), user.clone());
        async move {
            let session = NewSession::new(id, &user, id, at(0)).with_expiry(at(KEPT), at(KEPT));
            store.begin(&session.with_limit(2.try_into().ok())).await
        }
    };
    for id in ["one", "two", "two"] {
        limited(id).await.unwrap();
    }
    assert_eq!(store.sessions(&user, at(0), Page::first()).await.unwrap().sessions.len(), 2);
    limited("three").await.unwrap();
    limited("one").await.unwrap();
    let live = store.sessions(&user, at(0), Page::first()).await.unwrap().sessions;
    assert_eq!(live.len(), 2);
    assert!(live.iter().any(|session| &*session.id == "three"));
}

/// The strings include NUL, which PostgreSQL cannot store, and the sequences that escape it.
pub async fn preserves_ids_and_labels<D: Database>(database: &D) {
    let store = database.connect();
    let odd = ["", "\0", "\0\0", "\u{1}", "\u{1}0", "\u{1}1", "0", "\0\u{1}", "a\0b", "ä\u{1}😀"];
    for id in odd {
        let user = UserId::from(id);
        let session = NewSession::new(id, &user, id, at(0)).with_expiry(at(KEPT), at(KEPT));
        store.begin(&session.with_label(Some(id))).await.unwrap();
        let listed = store.sessions(&user, at(0), Page::first()).await.unwrap().sessions;
        assert_eq!(listed.len(), 1, "{id:?}");
        assert_eq!(&*listed[0].id, id);
        assert_eq!(listed[0].label.as_deref(), Some(id));
        let successor = format!("{id}\0");
        assert_eq!(spend(&store, id, id, &successor).await.unwrap(), Spent::First, "{id:?}");
        let grace = Duration::from_secs(10);
        let again = spend_as(&store, id, id, "new", |spend| spend.with_grace(grace)).await;
        let expected = Spent::Again { successor: successor.into(), at: at(1) };
        assert_eq!(again.unwrap(), expected, "{id:?}");
    }
    for id in odd {
        assert!(!is_spent(&store, id, &format!("{id}\0")).await.unwrap(), "{id:?}");
        end(&store, id).await.unwrap();
        assert!(is_spent(&store, id, &format!("{id}\0")).await.unwrap(), "{id:?}");
    }
}

pub async fn one_of_many_spends_over_two_pools_wins<D: Database>(database: &D) {
    let stores = [database.connect(), database.connect()].map(RetryingStore);
    for round in 0..40 {
        let id = new_id();
        begin(&stores[round % 2], &id, "first").await.unwrap();
        let tasks: Vec<_> = (0..50)
            .map(|number| {
                let (store, id) = (stores[number % 2].clone(), id.clone());
                tokio::spawn(async move {
                    let grace = Duration::from_secs(if round < 20 { 0 } else { 10 });
                    let successor = format!("successor {number}");
                    spend_as(&store, &id, "first", &successor, |spend| spend.with_grace(grace))
                        .await
                        .map(|spent| (spent, successor))
                })
            })
            .collect();
        let mut winner = None;
        let mut others = Vec::new();
        for task in tasks {
            match task.await.unwrap().unwrap() {
                (Spent::First, successor) => assert!(winner.replace(successor).is_none()),
                (other, _) => others.push(other),
            }
        }
        let winner = winner.unwrap();
        if round < 20 {
            assert_eq!(others.iter().filter(|spent| **spent == Spent::Reused).count(), 1);
            assert_eq!(others.iter().filter(|spent| **spent == Spent::Revoked).count(), 48);
            assert!(is_spent(&stores[0], &id, &winner).await.unwrap());
        } else {
            let again = Spent::Again { successor: (&*winner).into(), at: at(1) };
            assert!(others.iter().all(|spent| *spent == again));
            assert!(!is_spent(&stores[1], &id, &winner).await.unwrap());
        }
    }
}

/// Calls every method, with and without its options.
pub(crate) async fn call_everything<S: SqlStore>(store: &S) {
    let user = UserId::from("user 7");
    let session = NewSession::new("new", &user, "first", at(10)).with_expiry(at(KEPT), at(KEPT));
    store.begin(&session).await.unwrap();
    let other = NewSession::new("other", &user, "first", at(10)).with_expiry(at(KEPT), at(KEPT));
    store.begin(&other.with_limit(1.try_into().ok())).await.unwrap();
    store.begin(&session).await.unwrap();
    store.generation().await.unwrap();
    spend(store, "user 8", "first", "second").await.unwrap();
    spend_as(store, "user 9", "first", "second", |spend| spend.with_adoption(true)).await.unwrap();
    let keep_until = at(KEPT);
    let revocations = [
        Revocation::Token { jti: "jti", user_id: &user, keep_until },
        Revocation::Session { session_id: "other", user_id: &user, keep_until },
        Revocation::User { user_id: &user, except: Some("new"), keep_until },
    ];
    for revocation in revocations {
        store.revoke(&revocation, at(11)).await.unwrap();
    }
    let token = Consume::token("new", &user, at(0), keep_until);
    for consume in
        [token, token.with_session(Some("other")), Consume::other("code", &user, keep_until)]
    {
        store.consume(&consume, at(11)).await.unwrap();
    }
    store.set_label(&user, "new", Some("telephone"), at(11)).await.unwrap();
    let limit = AttemptLimit::new(2).unwrap();
    let attempt = Attempt { name: "ada", id: "1", limit, now: at(11) };
    store.attempt(&attempt).await.unwrap();
    store.take_back(&attempt).await.unwrap();
    store.forget_attempts("bob").await.unwrap();
    is_spent(store, "user 7", "first").await.unwrap();
    store.is_revoked(&TokenRef::new("user 7", at(0))).await.unwrap();
    store.sessions(&user, at(12), Page::first()).await.unwrap();
    store.purge(at(50), 300).await.unwrap();
    store.ping().await.unwrap();
}

pub async fn no_statement_scans_a_whole_table<D: Database>(database: &D) {
    let store = database.connect();
    store.migrate().await.unwrap();
    let rows = "WITH RECURSIVE numbers(n) AS (
        SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < 100000)";
    for (table, columns) in [
        ("jwt_tokens (user_id, jti, keep_until)", "'user ' || n, 'jti ' || n, n"),
        ("jwt_users (user_id, revoked_at, keep_until)", "'user ' || n, 5, n"),
        (
            "jwt_attempts (name, level_until, blocked_until, keep_until, last_id)",
            "'name ' || n, n, 0, n, 'id'",
        ),
        (
            "jwt_sessions (user_id, session_id, created_at, last_used_at, expires_at, keep_until,
                current_jti, adopted, ended)",
            "'user ' || n, 'session ' || n, n, n, n + 1000, n + 1000, 'jti ' || n, 0, 0",
        ),
    ] {
        database
            .execute(&format!("INSERT INTO {table} {rows} SELECT {columns} FROM numbers"))
            .await;
    }
    database.execute("ANALYZE").await;
    let began = Instant::now();
    let plans = database.plans(&store).await;
    assert!(began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());
    assert!(plans.len() >= 10, "{plans:#?}");
    for line in plans {
        let whole = line.contains("Seq Scan") || line.contains("SCAN jwt");
        // These tables have a single row.
        let small = line.contains("jwt_migrations") || line.contains("jwt_generation");
        assert!(!whole || small, "{line}");
    }
}

pub async fn purge_does_not_block_writes<D: Database>(database: &D) {
    let store = database.connect();
    store.migrate().await.unwrap();
    database
        .execute(
            "INSERT INTO jwt_tokens (user_id, jti, keep_until)
            WITH RECURSIVE numbers(n) AS (
                SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < 20000)
            SELECT 'user ' || n, 'jti', n FROM numbers",
        )
        .await;
    let purge = {
        let store = database.connect();
        tokio::spawn(async move { store.purge(at(30_000), usize::MAX).await })
    };
    let mut slowest = Duration::ZERO;
    let mut written = 0;
    while !purge.is_finished() {
        let began = Instant::now();
        begin(&store, &new_id(), "first").await.unwrap();
        slowest = slowest.max(began.elapsed());
        written += 1;
    }
    assert_eq!(purge.await.unwrap().unwrap(), 20_000);
    assert!(written >= 20, "only {written} writes finished during the purge");
    assert!(slowest < Duration::from_secs(1), "{slowest:?}");
}

pub async fn purge_stops_at_its_limit<D: Database>(database: &D) {
    let store = database.connect();
    for number in 0..4 {
        let user_id = &UserId::from(format!("user {number}"));
        begin(&store, user_id.as_str(), "first").await.unwrap();
        let jti = "jti";
        let token = Revocation::Token { jti, user_id, keep_until: at(KEPT) };
        let user = Revocation::User { user_id, except: None, keep_until: at(KEPT) };
        for revocation in [token, user] {
            store.revoke(&revocation, at(0)).await.unwrap();
        }
    }
    let mut left = Vec::new();
    for limit in [0, 1, 4, 2, 3, 4, 5] {
        assert_eq!(store.purge(at(KEPT - 1), 100).await.unwrap(), 0);
        left.push(store.purge(at(KEPT), limit).await.unwrap());
    }
    assert_eq!(left, [0, 1, 4, 2, 3, 2, 0]);
}

/// Calls are dropped when clients disconnect before they receive a response.
pub async fn dropped_calls_do_not_leak_connections<D: Database>(database: &D) {
    let store = Arc::new(database.connect());
    begin(&*store, "ada", "first").await.unwrap();
    let mut newest = String::from("first");
    for round in 0..200 {
        let call = begin(&*store, "bob", "first");
        let _ = tokio::time::timeout(Duration::from_micros(round * 10), call).await;
        if round % 20 == 0 {
            let successor = new_id();
            let spent = spend(&*store, "ada", &newest, &successor).await.unwrap();
            assert_eq!(spent, Spent::First);
            newest = successor;
        }
    }
    let calls = (0..20).map(|_| is_spent(&*store, "ada", &newest));
    for spent in futures::future::join_all(calls).await {
        assert!(!spent.unwrap());
    }
}

pub async fn debug_output_hides_the_url<D: Database>(database: &D) {
    let store = database.connect();
    let shown = format!("{store:?} {store:#?}");
    assert!(shown.contains("Store") && shown.contains("jwt_"), "{shown}");
    for hidden in ["/", "sesame", "localhost"] {
        assert!(!shown.contains(hidden), "{shown}");
    }
}
