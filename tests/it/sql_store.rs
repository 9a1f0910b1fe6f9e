//! What the stores in SQL databases promise beyond the suite, the same for each.

use std::{
    fmt::Debug,
    sync::Arc,
    time::{Duration, Instant},
};

use tower_jwt_auth::{
    ConfigError,
    store::{
        NewSession, Page, PostgresStore, Revocation, Spent, SqliteStore, StoreError, TokenRef,
        TokenStore,
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

    /// A store with connections of its own.
    fn connect(&self) -> Self::Store;

    async fn execute(&self, sql: &str);

    /// How the database carries out what `store` asks of it: a line for each scan.
    async fn plans(&self, store: &Self::Store) -> Vec<String>;
}

/// The methods the stores have in common.
pub(crate) trait SqlStore: TokenStore + Clone + Debug {
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

/// Makes a test of each rule; `$database` may return where there is no such database.
macro_rules! sql_store_rules {
    ($database:expr) => {
        crate::sql_store::sql_store_rules! {
            $database;
            tables_are_made_when_they_are_first_needed
            tables_may_be_made_by_hand
            many_may_migrate_at_once
            tables_of_a_later_version_are_left_alone
            prefixes_keep_stores_apart
            only_plain_prefixes_are_taken
            a_spending_may_be_repeated
            an_adoption_may_be_repeated
            a_beginning_may_be_repeated
            every_id_and_label_is_kept_as_it_is
            two_pools_have_one_winner
            no_statement_reads_a_whole_table
            purging_lets_others_write
            purging_stops_at_its_limit
            dropped_calls_use_up_no_connections
            nothing_shows_in_debug_output
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

pub async fn tables_are_made_when_they_are_first_needed<D: Database>(database: &D) {
    let store = database.connect();
    assert!(is_spent(&store, "ada", "first").await.unwrap());
    begin(&store, "ada", "first").await.unwrap();
    assert!(!is_spent(&store, "ada", "first").await.unwrap());
}

pub async fn tables_may_be_made_by_hand<D: Database>(database: &D) {
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

pub async fn many_may_migrate_at_once<D: Database>(database: &D) {
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

pub async fn tables_of_a_later_version_are_left_alone<D: Database>(database: &D) {
    database.connect().migrate().await.unwrap();
    database.execute("INSERT INTO jwt_migrations (version) VALUES (1000)").await;
    database.execute("ALTER TABLE jwt_sessions ADD COLUMN later BIGINT").await;
    let store = database.connect();
    store.migrate().await.unwrap();
    begin(&store, "ada", "first").await.unwrap();
    assert_eq!(spend(&store, "ada", "first", "second").await.unwrap(), Spent::First);
}

pub async fn prefixes_keep_stores_apart<D: Database>(database: &D) {
    let store = database.connect();
    let longest = "p".repeat(40);
    let stores = ["jwt_", "_", "other_", "a1_", &longest].map(|prefix| store.prefixed(prefix));
    for (number, store) in stores.iter().enumerate() {
        let store = store.as_ref().unwrap();
        assert!(is_spent(store, "ada", "first").await.unwrap(), "{number} knows nothing yet");
        begin(store, "ada", "first").await.unwrap();
        end(store, "ada").await.unwrap();
    }
}

pub async fn only_plain_prefixes_are_taken<D: Database>(database: &D) {
    let store = database.connect();
    let too_long = "p".repeat(41);
    for prefix in [
        "", "1", "A", "jwt-", "jwt.", "a b", "é", "a\"", "a'", "a;", "a\0", "{users}", "pg_",
        "sqlite_", "sqlite_a", &too_long,
    ] {
        assert!(store.prefixed(prefix).is_err(), "{prefix:?}");
    }
}

/// A call is made again when its answer was lost; it must not take its own trace for another's.
pub async fn a_spending_may_be_repeated<D: Database>(database: &D) {
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
}

pub async fn an_adoption_may_be_repeated<D: Database>(database: &D) {
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

/// Beginning again must not bring back what was ended meanwhile, nor count twice.
pub async fn a_beginning_may_be_repeated<D: Database>(database: &D) {
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

/// Also those that PostgreSQL cannot hold, and those by which they are written.
pub async fn every_id_and_label_is_kept_as_it_is<D: Database>(database: &D) {
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

pub async fn two_pools_have_one_winner<D: Database>(database: &D) {
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

/// Calls everything there is, with and without what it may be called with.
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
    is_spent(store, "user 7", "first").await.unwrap();
    store.is_revoked(&TokenRef::new("user 7", at(0))).await.unwrap();
    store.sessions(&user, at(12), Page::first()).await.unwrap();
    store.purge(at(50), 300).await.unwrap();
    store.ping().await.unwrap();
}

pub async fn no_statement_reads_a_whole_table<D: Database>(database: &D) {
    let store = database.connect();
    store.migrate().await.unwrap();
    let rows = "WITH RECURSIVE numbers(n) AS (
        SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < 100000)";
    for (table, columns) in [
        ("jwt_tokens (user_id, jti, keep_until)", "'user ' || n, 'jti ' || n, n"),
        ("jwt_users (user_id, revoked_at, keep_until)", "'user ' || n, 5, n"),
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
        // These have one row.
        let small = line.contains("jwt_migrations") || line.contains("jwt_generation");
        assert!(!whole || small, "{line}");
    }
}

pub async fn purging_lets_others_write<D: Database>(database: &D) {
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
    assert!(written >= 20, "only {written} were written meanwhile");
    assert!(slowest < Duration::from_secs(1), "{slowest:?}");
}

pub async fn purging_stops_at_its_limit<D: Database>(database: &D) {
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

/// As when clients go away while they wait.
pub async fn dropped_calls_use_up_no_connections<D: Database>(database: &D) {
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

pub async fn nothing_shows_in_debug_output<D: Database>(database: &D) {
    let store = database.connect();
    let shown = format!("{store:?} {store:#?}");
    assert!(shown.contains("Store") && shown.contains("jwt_"), "{shown}");
    for hidden in ["/", "sesame", "localhost"] {
        assert!(!shown.contains(hidden), "{shown}");
    }
}
