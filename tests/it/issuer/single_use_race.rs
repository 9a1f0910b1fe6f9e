//! One single-use token or ticket, redeemed by many tasks of two processes at once.

use std::{
    env,
    io::{BufRead, BufReader, Write},
    process::{Child, ChildStdout, Command, Stdio},
};

use tokio::task::JoinSet;
use tower_jwt_auth::{
    AuthErrorKind, Issuer, MemoryStore,
    store::{PostgresStore, RedisStore, SqliteStore, TokenStore},
    token::{NoClaims, TokenType, UserId},
};

use crate::support::{
    folder::Folder,
    login::{HOUR, MINUTE, Profile, Setup, ada},
    postgres, redis,
    retrying::RetryingStore,
};

const ROUNDS: usize = 200;
/// The number of calls at once, of all processes together.
const CALLS: usize = 100;
const PROCESSES: usize = 2;

const WORKER: &str = "issuer::single_use_race::worker";
const KIND: &str = "REDEEM_ON";
const URLS: &str = "REDEEM_AT";

const RESET: &str = "password_reset";
const PATH: &str = "/api/export";

fn issuer(store: impl TokenStore) -> Issuer<Profile> {
    let builder = Setup::new().plain_builder().store(RetryingStore(store));
    builder.store_deadline(2 * MINUTE).build().unwrap()
}

/// An issuer on a store of its own connections.
fn issuer_at(kind: &str, urls: &str) -> Issuer<Profile> {
    match kind {
        "sqlite" => issuer(SqliteStore::connect_lazy(urls).unwrap()),
        "postgres" => issuer(PostgresStore::connect_lazy(urls).unwrap()),
        "redis" => issuer(RedisStore::connect_lazy(urls).unwrap()),
        _ => issuer(RedisStore::connect_cluster_lazy(urls.split(' ')).unwrap()),
    }
}

/// A single-use token in even rounds, a ticket in odd ones, with its type.
async fn issue(issuer: &Issuer<Profile>, round: usize) -> String {
    if round.is_multiple_of(2) {
        let (kind, user) = (TokenType::from(RESET), UserId::from(1));
        let token = issuer.issue_single_use(&kind, HOUR, &user, &NoClaims::default()).await;
        return format!("{RESET} {}", token.unwrap());
    }
    let tokens = issuer.login(&ada()).await.unwrap();
    let claims = issuer.verifier().verify(tokens.access()).unwrap();
    format!("ticket {}", issuer.issue_ticket(&claims, PATH).unwrap())
}

async fn redeem(issuer: &Issuer<Profile>, token: &str) -> bool {
    let redeemed = match token.split_once(' ').unwrap() {
        ("ticket", ticket) => issuer.redeem_ticket(ticket, PATH).await.map(drop),
        (kind, token) => issuer.redeem::<NoClaims>(&kind.into(), token).await.map(drop),
    };
    match redeemed {
        Ok(()) => true,
        Err(error) if error.kind() == AuthErrorKind::Revoked => false,
        Err(error) => panic!("{error:?}"),
    }
}

/// Redeems `token` in `calls` tasks at once, and returns how many succeeded.
async fn redeem_at_once(issuer: &Issuer<Profile>, token: &str, calls: usize) -> usize {
    let mut tasks = JoinSet::new();
    for _ in 0..calls {
        let (issuer, token) = (issuer.clone(), token.to_owned());
        tasks.spawn(async move { redeem(&issuer, &token).await });
    }
    tasks.join_all().await.into_iter().filter(|is_redeemed| *is_redeemed).count()
}

/// The process of a [`Worker`]. Otherwise this does nothing.
#[tokio::test(flavor = "multi_thread")]
async fn worker() {
    let (Ok(kind), Ok(urls)) = (env::var(KIND), env::var(URLS)) else { return };
    let issuer = issuer_at(&kind, &urls);
    issuer.check_store().await.unwrap();
    println!("\nwon 0");
    for line in std::io::stdin().lines() {
        println!("won {}", redeem_at_once(&issuer, &line.unwrap(), CALLS / PROCESSES).await);
    }
}

/// A process that redeems the token on each line, and prints how often it succeeded.
struct Worker(Child, BufReader<ChildStdout>);

impl Worker {
    fn start(kind: &str, urls: &str) -> Self {
        let mut child = Command::new(env::current_exe().unwrap())
            .args(["--exact", WORKER, "--nocapture"])
            .env(KIND, kind)
            .env(URLS, urls)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let output = BufReader::new(child.stdout.take().unwrap());
        let mut worker = Self(child, output);
        assert_eq!(worker.won(), 0);
        worker
    }

    fn redeem(&mut self, token: &str) {
        writeln!(self.0.stdin.as_mut().unwrap(), "{token}").unwrap();
    }

    fn won(&mut self) -> usize {
        loop {
            let mut line = String::new();
            assert_ne!(self.1.read_line(&mut line).unwrap(), 0, "the process has exited");
            // Other lines are output of the test runner.
            if let Some(won) = line.strip_prefix("won ") {
                return won.trim_end().parse().unwrap();
            }
        }
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        drop(self.0.stdin.take());
        let _ = self.0.wait();
    }
}

async fn one_of_many_redemptions_wins(kind: &str, urls: &str) {
    let issuer = issuer_at(kind, urls);
    issuer.check_store().await.unwrap();
    let mut workers = [(); PROCESSES].map(|()| Worker::start(kind, urls));
    let mut race = |token: &str| {
        for worker in &mut workers {
            worker.redeem(token);
        }
        workers.iter_mut().map(Worker::won).sum::<usize>()
    };
    for round in 0..ROUNDS {
        let token = issue(&issuer, round).await;
        assert_eq!(race(&token), 1, "round {round}");
        assert!(!redeem(&issuer, &token).await, "round {round}");
    }
    let unused = [issue(&issuer, 0).await, issue(&issuer, 1).await];
    issuer.revoke_user(&UserId::from(1)).await.unwrap();
    for token in &unused {
        assert_eq!(race(token), 0, "the user was revoked");
    }
    for round in 0..2 {
        assert_eq!(race(&issue(&issuer, round).await), 1, "issued in the same second");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn one_of_many_redemptions_in_memory_wins() {
    let issuer = issuer(MemoryStore::new());
    for round in 0..ROUNDS {
        let token = issue(&issuer, round).await;
        assert_eq!(redeem_at_once(&issuer, &token, CALLS).await, 1, "round {round}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn one_of_many_redemptions_on_sqlite_wins() {
    let folder = Folder::new();
    let url = format!("sqlite:{}/sessions.db", folder.path().display());
    one_of_many_redemptions_wins("sqlite", &url).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_of_many_redemptions_on_postgres_wins() {
    if let Some(server) = postgres::Server::start() {
        one_of_many_redemptions_wins("postgres", &server.url()).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn one_of_many_redemptions_on_redis_wins() {
    if redis::is_installed() {
        let server = redis::RedisServer::start(&[]);
        one_of_many_redemptions_wins("redis", &server.url()).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn one_of_many_redemptions_on_a_redis_cluster_wins() {
    if redis::is_installed() {
        let cluster = redis::RedisCluster::start();
        one_of_many_redemptions_wins("cluster", &cluster.urls().join(" ")).await;
    }
}
