//! Two processes that share a store, and a restart.

use std::{
    env,
    io::{BufRead, BufReader, Write},
    net::SocketAddr,
    process::{Child, ChildStdout, Command, Stdio},
};

use axum::{Router, extract::ConnectInfo};
use serde_json::json;
use tokio::task::JoinSet;
use tower_jwt_auth::{
    Issuer, TokenRoutes,
    store::{PostgresStore, RedisStore, SqliteStore, ThrottleStore},
    throttle::Throttle,
};

use crate::support::{
    folder::Folder,
    login::{Directory, PASSWORD, Profile, ada, key},
    postgres, redis,
    reply::{self, post},
};

const WORKER: &str = "throttle::processes::worker";
const KIND: &str = "THROTTLE_ON";
const URL: &str = "THROTTLE_AT";
/// Logins of each process at once.
const CALLS: u8 = 40;

fn app_on(store: impl ThrottleStore) -> Router {
    let users = Directory::<Profile>::default();
    users.put(ada());
    let issuer = Issuer::builder(key()).claims().refresh_claims().build().unwrap();
    let routes = TokenRoutes::builder(issuer, users);
    routes.throttle(Throttle::builder(store).build().unwrap()).build().unwrap().into_router()
}

fn app_at(kind: &str, url: &str) -> Router {
    match kind {
        "sqlite" => app_on(SqliteStore::connect_lazy(url).unwrap()),
        "postgres" => app_on(PostgresStore::connect_lazy(url).unwrap()),
        _ => app_on(RedisStore::connect_lazy(url).unwrap()),
    }
}

/// The status of one login.
async fn log_in(app: &Router, name: &str, address: [u8; 4], password: &str) -> u16 {
    let body = json!({"username": name, "password": password});
    let mut request = post("/", body.to_string());
    request.extensions_mut().insert(ConnectInfo(SocketAddr::from((address, 4711))));
    reply::send(app, request).await.status.as_u16()
}

/// How many of many logins at once were not throttled.
async fn checked(app: &Router, command: &str, process: u8) -> usize {
    let (command, id) = command.split_once(' ').unwrap();
    let is_login = command == "login";
    let mut tasks = JoinSet::new();
    for index in 0..if is_login { 1 } else { CALLS } {
        let app = app.clone();
        let (name, address, password) = match command {
            "account" => (id.to_owned(), [10, 0, process, index], "wrong"),
            "address" => (format!("{id}-{process}-{index}"), [192, 0, 2, 1], "wrong"),
            _ => (id.to_owned(), [10, 1, process, 0], PASSWORD),
        };
        tasks.spawn(async move { log_in(&app, &name, address, password).await });
    }
    let statuses = tasks.join_all().await;
    assert!(statuses.iter().all(|status| [200, 401, 429].contains(status)), "{statuses:?}");
    statuses.iter().filter(|status| **status != 429).count()
}

/// The process of a [`Worker`]. Otherwise this does nothing.
#[tokio::test(flavor = "multi_thread")]
async fn worker() {
    let (Ok(kind), Ok(url)) = (env::var(KIND), env::var(URL)) else { return };
    let app = app_at(&kind, &url);
    println!("\nchecked 0");
    for line in std::io::stdin().lines() {
        let line = line.unwrap();
        let (process, command) = line.split_once(' ').unwrap();
        println!("checked {}", checked(&app, command, process.parse().unwrap()).await);
    }
}

/// A process that logs in as each line says, and prints how many logins it checked.
struct Worker(Child, BufReader<ChildStdout>);

impl Worker {
    fn start(kind: &str, url: &str) -> Self {
        let mut child = Command::new(env::current_exe().unwrap())
            .args(["--exact", WORKER, "--nocapture"])
            .env(KIND, kind)
            .env(URL, url)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let output = BufReader::new(child.stdout.take().unwrap());
        let mut worker = Self(child, output);
        assert_eq!(worker.checked(), 0);
        worker
    }

    fn send(&mut self, process: usize, command: &str) {
        writeln!(self.0.stdin.as_mut().unwrap(), "{process} {command}").unwrap();
    }

    fn checked(&mut self) -> usize {
        loop {
            let mut line = String::new();
            assert_ne!(self.1.read_line(&mut line).unwrap(), 0, "the process has exited");
            // Other lines are output of the test runner.
            if let Some(checked) = line.strip_prefix("checked ") {
                return checked.trim_end().parse().unwrap();
            }
        }
    }

    fn kill(&mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        drop(self.0.stdin.take());
        let _ = self.0.wait();
    }
}

fn checked_by_both(workers: &mut [Worker; 2], command: &str) -> usize {
    for (process, worker) in workers.iter_mut().enumerate() {
        worker.send(process, command);
    }
    workers.iter_mut().map(Worker::checked).sum()
}

fn processes_share_the_limits(kind: &str, url: &str) {
    let start = || [(); 2].map(|()| Worker::start(kind, url));
    let mut workers = start();
    assert_eq!(checked_by_both(&mut workers, "account 1"), 10);
    assert_eq!(checked_by_both(&mut workers, "account nobody"), 10);
    assert_eq!(checked_by_both(&mut workers, "account bob"), 10);

    // The counts survive all processes, even if they are killed.
    workers.iter_mut().for_each(Worker::kill);
    let mut workers = start();
    assert_eq!(checked_by_both(&mut workers, "account 1"), 0);
    assert_eq!(checked_by_both(&mut workers, "login 1"), 0, "the password is correct");

    assert_eq!(checked_by_both(&mut workers, "address x"), 80);
    assert_eq!(checked_by_both(&mut workers, "address y"), 20);
    workers.iter_mut().for_each(Worker::kill);
    let mut workers = start();
    assert_eq!(checked_by_both(&mut workers, "address z"), 0);
}

#[test]
fn processes_on_sqlite_share_the_limits() {
    let folder = Folder::new();
    let url = format!("sqlite:{}/sessions.db", folder.path().display());
    processes_share_the_limits("sqlite", &url);
}

#[test]
fn processes_on_postgres_share_the_limits() {
    if let Some(server) = postgres::Server::start() {
        processes_share_the_limits("postgres", &server.url());
    }
}

#[test]
fn processes_on_redis_share_the_limits() {
    if redis::is_installed() {
        let server = redis::RedisServer::start(&[]);
        processes_share_the_limits("redis", &server.url());
    }
}
