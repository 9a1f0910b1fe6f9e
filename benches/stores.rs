//! The throughput of rotations on each store, compared with the cheapest write of its engine:
//! `cargo bench --bench stores`. The number of rounds and the store are optional arguments:
//! `cargo bench --bench stores -- 31 Redis`.
//!
//! A rotation is one [`TokenStore::spend`] of a session's newest refresh token. The `bare` load
//! writes one entry to the same server, over a pool or connection of the same kind:
//! `SET … NX EX …` on Redis, `INSERT … ON CONFLICT DO NOTHING` of one row on PostgreSQL and SQLite.
//! The benchmark starts the servers, and they listen on this machine only. PostgreSQL runs with
//! `fsync=off`, and one of the two Redis servers without its log, so that the disk does not
//! dominate the comparison.
//!
//! Redis has a second baseline: a script of one line that calls the same `SET … NX EX …`. This is
//! the minimum cost of a script on Redis.
//!
//! A store that creates its own connections to PostgreSQL passes them directly from one call to
//! the next. The pool of sqlx does not. The first row measures a store on such a pool, like the
//! bare write. The next row measures a store created from a URL.
//!
//! Under this load a session is rotated several times per second, and the times of its entry
//! rarely change. In the rows `five minutes apart`, each rotation takes place five minutes after
//! the previous one. The times change with each rotation, and so do the database indexes on them.
//!
//! The second table compares the ten-thousandth login of a user with the tenth and the two-hundredth,
//! for several limits of sessions. They take place in turn, 301 times. The medians are microseconds of
//! one call, without other load. No purger runs, so SQL stores keep all ended sessions. At the tenth
//! login, a user has fewer sessions than the limit of 100.
//!
//! Both loads run in turn in each round, so that other activity on the machine affects them
//! equally. The figures are calls per second, as medians over the rounds. `ratio` is the median of
//! the ratios of all rounds.

#[allow(dead_code, unreachable_pub, clippy::unwrap_used)]
#[path = "../tests/it/support/folder.rs"]
mod folder;
#[path = "support/logins.rs"]
mod logins;
#[allow(dead_code, unreachable_pub, clippy::unwrap_used)]
#[path = "../tests/it/support/postgres.rs"]
mod postgres;
#[allow(dead_code, unreachable_pub, clippy::unwrap_used)]
#[path = "../tests/it/support/redis.rs"]
mod redis;

use std::{
    env,
    error::Error,
    str::FromStr,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant, SystemTime},
};

use ::redis::{Client, IntoConnectionInfo, aio::ConnectionManager, cmd, io::tcp::TcpSettings};
use futures::future::{BoxFuture, FutureExt};
use sqlx::{
    PgPool, SqlitePool,
    postgres::PgPoolOptions,
    raw_sql,
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous},
};
use tokio::task::JoinSet;
use tower_jwt_auth::{
    MemoryStore, NumericDate,
    store::{NewSession, PostgresStore, Spend, Spent, SqliteStore, TokenStore},
    token::UserId,
};

use folder::Folder;
use redis::RedisServer;

type Failure = Box<dyn Error + Send + Sync>;

const ROUNDS: usize = 15;
/// The duration of each load in one round.
const SLICE: Duration = Duration::from_millis(200);
const CONCURRENCIES: [usize; 2] = [16, 64];
/// The number of sessions that each client rotates in turn.
const SESSIONS: usize = 50;
const DAY: Duration = Duration::from_secs(24 * 60 * 60);
const APART: &str = "  five minutes apart";

#[tokio::main]
async fn main() -> Result<(), Failure> {
    // `cargo test --benches` only runs it briefly.
    let thorough = env::args().any(|argument| argument == "--bench");
    let rounds = env::args().find_map(|argument| argument.parse().ok()).unwrap_or(ROUNDS);
    let (rounds, slice) = if thorough { (rounds, SLICE) } else { (1, SLICE / 10) };
    let chosen = env::args().skip(1).find(|word| word.starts_with(char::is_uppercase));
    let is_chosen = |name: &str| chosen.as_ref().is_none_or(|chosen| name.starts_with(chosen));

    println!(
        "{:<28} {:>7} {:>9} {:>11} {:>7} {:>7}",
        "", "clients", "bare", "rotations", "ratio", "target"
    );
    if is_chosen("Memory") {
        compare("MemoryStore", None, None, MemoryStore::new(), (rounds, slice)).await?;
    }
    if is_chosen("Sqlite") {
        let folder = Folder::new();
        let path = folder.path().join("sessions.db");
        let bare = BareSqlite::open(&path.display().to_string()).await?;
        let store = SqliteStore::connect_lazy(&format!("sqlite:{}", path.display()))?;
        compare("SqliteStore", None, Some(Arc::new(bare)), store, (rounds, slice)).await?;
    }
    if is_chosen("Postgres")
        && let Some(server) = postgres::Server::start()
    {
        let url = server.url();
        let pool = || PgPoolOptions::new().test_before_acquire(false).connect(&url);
        let bare = BarePostgres::new(pool().await?).await?;
        let mut store = PostgresStore::from_pool(pool().await?);
        store.migrate().await?;
        store = store.with_automatic_migration(false);
        let (name, bare) = ("PostgresStore, fsync off", Arc::new(bare));
        compare(name, Some(1.5), Some(bare.clone()), store.clone(), (rounds, slice)).await?;
        compare(APART, None, Some(bare.clone()), store, (rounds, slice)).await?;
        let store = PostgresStore::connect_lazy(&url)?;
        compare("  by its URL", None, Some(bare), store, (rounds, slice)).await?;
    }
    for (name, options) in
        [("RedisStore, no log", &["--appendonly", "no"][..]), ("RedisStore, fsync always", &[])]
    {
        if is_chosen("Redis") && redis::is_installed() {
            let server = RedisServer::start(options);
            // The store sets `TCP_NODELAY` too. It is not the default of redis-rs.
            let settings = TcpSettings::default().set_nodelay(true);
            let node = server.url().into_connection_info()?.set_tcp_settings(settings);
            let connection = ConnectionManager::new(Client::open(node)?).await?;
            let scripted = Arc::new(ScriptedRedis::new(connection.clone()).await?);
            let bare = Arc::new(BareRedis(connection));
            compare(name, Some(1.5), Some(bare.clone()), server.store(), (rounds, slice)).await?;
            compare(APART, None, Some(bare), server.store(), (rounds, slice)).await?;
            let name = "  next to the script";
            compare(name, None, Some(scripted), server.store(), (rounds, slice)).await?;
        }
    }
    logins::print_header();
    if is_chosen("Memory") {
        logins::compare("MemoryStore", &MemoryStore::new(), thorough).await?;
    }
    if is_chosen("Sqlite") {
        let folder = Folder::new();
        let url = format!("sqlite:{}/sessions.db", folder.path().display());
        logins::compare("SqliteStore", &SqliteStore::connect_lazy(&url)?, thorough).await?;
    }
    if is_chosen("Postgres")
        && let Some(server) = postgres::Server::start()
    {
        let store = PostgresStore::connect_lazy(&server.url())?;
        logins::compare("PostgresStore, fsync off", &store, thorough).await?;
    }
    if is_chosen("Redis") && redis::is_installed() {
        let server = RedisServer::start(&["--appendonly", "no"]);
        logins::compare("RedisStore, no log", &server.store(), thorough).await?;
    }
    Ok(())
}

/// Runs both loads in turn and prints a line for each number of clients.
async fn compare(
    name: &str,
    target: Option<f64>,
    bare: Option<Arc<dyn Load>>,
    store: impl TokenStore,
    (rounds, slice): (usize, Duration),
) -> Result<(), Failure> {
    let most = CONCURRENCIES.into_iter().max().unwrap_or_default();
    let pause = Duration::from_secs(if name == APART { 300 } else { 0 });
    let rotations: Arc<dyn Load> = Arc::new(Rotations::begin(store, most, pause).await?);
    for clients in CONCURRENCIES {
        let (mut bares, mut rotated, mut ratios) = (Vec::new(), Vec::new(), Vec::new());
        for round in 0..rounds {
            let run = |load: Option<Arc<dyn Load>>| async move {
                match load {
                    Some(load) => rate(&load, clients, slice).await,
                    None => Ok(f64::NAN),
                }
            };
            let (first, second) = if round % 2 == 0 {
                let first = run(bare.clone()).await?;
                (first, run(Some(Arc::clone(&rotations))).await?)
            } else {
                let second = run(Some(Arc::clone(&rotations))).await?;
                (run(bare.clone()).await?, second)
            };
            bares.push(first);
            rotated.push(second);
            ratios.push(first / second);
        }
        let target = target.map_or_else(String::new, |target| format!("{target:.2}"));
        let (bare, rotated, ratio) = (median(bares), median(rotated), median(ratios));
        if bare.is_nan() {
            println!("{name:<28} {clients:>7} {:>9} {rotated:>11.0}", "");
        } else {
            println!(
                "{name:<28} {clients:>7} {bare:>9.0} {rotated:>11.0} {ratio:>7.2} {target:>7}"
            );
        }
    }
    Ok(())
}

/// Returns the calls per second of `clients` concurrent clients.
async fn rate(load: &Arc<dyn Load>, clients: usize, slice: Duration) -> Result<f64, Failure> {
    let begun = Instant::now();
    let mut tasks = JoinSet::new();
    for client in 0..clients {
        let load = Arc::clone(load);
        tasks.spawn(async move {
            let mut calls = 0_u32;
            while begun.elapsed() < slice {
                load.call(client).await?;
                calls += 1;
            }
            Ok::<_, Failure>(calls)
        });
    }
    let mut calls = 0;
    while let Some(client) = tasks.join_next().await {
        calls += client??;
    }
    Ok(f64::from(calls) / begun.elapsed().as_secs_f64())
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// An operation that each client repeats.
trait Load: Send + Sync {
    fn call(&self, client: usize) -> BoxFuture<'_, Result<(), Failure>>;
}

struct Rotations<S> {
    store: S,
    /// The simulated time between two rotations of one session.
    pause: Duration,
    /// For each client, the index of its current session and all its sessions.
    clients: Vec<Mutex<(usize, Vec<Session>)>>,
}

#[derive(Clone)]
struct Session {
    user_id: UserId,
    id: String,
    refresh: String,
    passed: Duration,
}

impl<S: TokenStore> Rotations<S> {
    async fn begin(store: S, clients: usize, pause: Duration) -> Result<Self, Failure> {
        let mut all = Vec::new();
        for _ in 0..clients {
            let mut sessions = Vec::new();
            for _ in 0..SESSIONS {
                let (user_id, passed) = (UserId::from(new_id()), Duration::ZERO);
                let session = Session { user_id, id: new_id(), refresh: new_id(), passed };
                store.begin(&session.as_new(&session.refresh)).await?;
                sessions.push(session);
            }
            all.push(Mutex::new((0, sessions)));
        }
        Ok(Self { store, pause, clients: all })
    }
}

impl Session {
    fn as_new<'a>(&'a self, refresh: &'a str) -> NewSession<'a> {
        let now = NumericDate::from(SystemTime::now() + self.passed);
        let kept = now.saturating_add(DAY);
        NewSession::new(&self.id, &self.user_id, refresh, now).with_expiry(kept, kept)
    }
}

impl<S: TokenStore> Load for Rotations<S> {
    fn call(&self, client: usize) -> BoxFuture<'_, Result<(), Failure>> {
        let successor = new_id();
        let session = {
            let mut client =
                self.clients[client].lock().expect("no client panics while it holds the lock");
            let (next, sessions) = &mut *client;
            *next = (*next + 1) % sessions.len();
            let current = &mut sessions[*next];
            current.passed += self.pause;
            let before = current.clone();
            current.refresh.clone_from(&successor);
            before
        };
        async move {
            let known = session.as_new(&session.refresh);
            let spent = self.store.spend(&Spend::new(&known, known.now, &successor)).await?;
            if spent == Spent::First { Ok(()) } else { Err("the token was already spent".into()) }
        }
        .boxed()
    }
}

struct BareRedis(ConnectionManager);

impl Load for BareRedis {
    fn call(&self, _: usize) -> BoxFuture<'_, Result<(), Failure>> {
        let mut connection = self.0.clone();
        async move {
            let mut set = cmd("SET");
            set.arg(format!("bare:{}", new_id())).arg(new_id()).arg("NX");
            Ok(set.arg("EX").arg(DAY.as_secs()).exec_async(&mut connection).await?)
        }
        .boxed()
    }
}

const SCRIPT: &str = "return redis.call('SET', KEYS[1], ARGV[1], 'NX', 'EX', ARGV[2])";

struct ScriptedRedis {
    connection: ConnectionManager,
    hash: String,
}

impl ScriptedRedis {
    async fn new(mut connection: ConnectionManager) -> Result<Self, Failure> {
        let hash = cmd("SCRIPT").arg("LOAD").arg(SCRIPT).query_async(&mut connection).await?;
        Ok(Self { connection, hash })
    }
}

impl Load for ScriptedRedis {
    fn call(&self, _: usize) -> BoxFuture<'_, Result<(), Failure>> {
        let mut connection = self.connection.clone();
        async move {
            let mut set = cmd("EVALSHA");
            set.arg(&self.hash).arg(1).arg(format!("bare:{}", new_id())).arg(new_id());
            Ok(set.arg(DAY.as_secs()).exec_async(&mut connection).await?)
        }
        .boxed()
    }
}

const CREATE: &str = "CREATE TABLE bare (jti TEXT PRIMARY KEY, keep_until BIGINT NOT NULL)";
const INSERT: &str = "INSERT INTO bare VALUES ($1, $2) ON CONFLICT DO NOTHING";

struct BarePostgres(PgPool);

impl BarePostgres {
    async fn new(pool: PgPool) -> Result<Self, Failure> {
        raw_sql(CREATE).execute(&pool).await?;
        Ok(Self(pool))
    }
}

impl Load for BarePostgres {
    fn call(&self, _: usize) -> BoxFuture<'_, Result<(), Failure>> {
        let insert = sqlx::query(INSERT).bind(new_id()).bind(DAY.as_secs() as i64);
        async move { Ok(insert.execute(&self.0).await.map(drop)?) }.boxed()
    }
}

struct BareSqlite(SqlitePool);

impl BareSqlite {
    async fn open(path: &str) -> Result<Self, Failure> {
        let options = SqliteConnectOptions::from_str(&format!("sqlite:{path}"))?
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full);
        let pool = SqlitePoolOptions::new()
            .max_connections(1)
            .test_before_acquire(false)
            .connect_with(options)
            .await?;
        raw_sql(CREATE).execute(&pool).await?;
        Ok(Self(pool))
    }
}

impl Load for BareSqlite {
    fn call(&self, _: usize) -> BoxFuture<'_, Result<(), Failure>> {
        let insert = sqlx::query(INSERT).bind(new_id()).bind(DAY.as_secs() as i64);
        async move { Ok(insert.execute(&self.0).await.map(drop)?) }.boxed()
    }
}

/// Returns a unique id with the length and distribution of the issuer's ids.
fn new_id() -> String {
    static COUNT: AtomicU64 = AtomicU64::new(1);
    let count = u128::from(COUNT.fetch_add(1, Ordering::Relaxed));
    format!("{:032x}", count.wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835))
}
