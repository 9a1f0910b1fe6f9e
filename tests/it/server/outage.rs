//! While the store is unreachable, requests get 503 and change nothing. The server
//! recovers by itself.

use std::{
    fs,
    io::Write,
    thread,
    time::{Duration, Instant},
};

use serde_json::{Value, json};
use sqlx::{ConnectOptions, SqliteConnection, raw_sql, sqlite::SqliteConnectOptions};

use crate::support::{
    api::{assert_silent_about, checked, log_in, tokens},
    folder::Folder,
    postgres,
    redis::{self, RedisServer},
    reply::Reply,
    server::Server,
};

use super::{
    FIVE_SECONDS, block_on, call, end_session, logout_all, me, refresh, session_id, sessions,
    start, verify,
};

/// The time within which the server recovers once the store is back.
const RECOVERY: Duration = Duration::from_secs(2);

#[test]
fn recovers_from_an_outage_of_postgres() {
    if let Some(server) = postgres::Server::start() {
        recovers_from_an_outage(server);
    }
}

#[test]
fn recovers_from_an_outage_of_redis() {
    if redis::is_installed() {
        recovers_from_an_outage(RedisServer::start(&[]));
    }
}

/// A database server that a test stops and starts.
pub(super) trait Engine {
    fn url(&self) -> String;
    /// Stops it from responding, with its connections open.
    fn pause(&mut self);
    fn resume(&mut self);
    fn kill(&mut self);
    fn run(&mut self);
}

impl Engine for postgres::Server {
    fn url(&self) -> String {
        self.url()
    }

    fn pause(&mut self) {
        self.signal("-STOP");
    }

    fn resume(&mut self) {
        self.signal("-CONT");
    }

    fn kill(&mut self) {
        Self::kill(self);
    }

    fn run(&mut self) {
        Self::run(self);
    }
}

impl Engine for RedisServer {
    fn url(&self) -> String {
        self.url()
    }

    fn pause(&mut self) {
        self.signal("STOP");
    }

    fn resume(&mut self) {
        self.signal("CONT");
    }

    fn kill(&mut self) {
        self.kill();
    }

    fn run(&mut self) {
        self.restart();
    }
}

fn recovers_from_an_outage(mut engine: impl Engine) {
    let url = engine.url();
    let copy = |check| start(&[("STORE_URL", &*url), ("CHECK_REVOKED", check)]);
    let (checking, trusting, mut ending) = (copy("1"), copy("0"), copy("1"));
    let (admin_access, mut admin) = tokens(&log_in(&checking, "admin"));
    let demo = tokens(&log_in(&trusting, "demo"));

    engine.pause();
    thread::scope(|scope| {
        scope.spawn(|| everything_is_unavailable(&checking, &demo, true));
        scope.spawn(|| everything_is_unavailable(&trusting, &demo, false));
        // A copy that waits for the store still ends in time.
        scope.spawn(|| {
            let mut waiting = ending.connect();
            waiting.write_all(b"GET /health HTTP/1.1\r\nhost: x\r\n\r\n").unwrap();
            thread::sleep(Duration::from_millis(100));
            ending.signal("TERM");
            assert_eq!(ending.wait(FIVE_SECONDS).code(), Some(0));
        });
    });
    engine.resume();
    assert_recovered(&[&checking, &trusting], &admin_access, &mut admin);

    let demo = tokens(&log_in(&checking, "demo"));
    let before = sorted_sessions(&checking, &demo.0);
    engine.kill();
    thread::scope(|scope| {
        scope.spawn(|| everything_is_unavailable(&checking, &demo, true));
        scope.spawn(|| everything_is_unavailable(&trusting, &demo, false));
    });
    // A copy starts without its store.
    let early = copy("1");
    everything_is_unavailable(&early, &demo, true);
    engine.run();
    assert_recovered(&[&early, &checking, &trusting], &admin_access, &mut admin);
    // The requests that got 503 changed nothing.
    assert_eq!((me(&checking, &demo.0), verify(&early, &demo.1)), (200, 200));
    assert_eq!(sorted_sessions(&early, &demo.0), before);
    tokens(&refresh(&checking, &demo.1));
    for copy in [early, checking, trusting, ending] {
        assert_silent_about(copy, &[&demo.0, &demo.1, postgres::PASSWORD]);
    }
}

fn everything_is_unavailable(copy: &Server, (access, refresh): &(String, String), checks: bool) {
    let login = json!({"username": "demo", "password": "demo-password"}).to_string();
    let refresh = json!({"refresh": refresh, "token": refresh}).to_string();
    let session = format!("DELETE /api/sessions/{}", session_id(access));
    thread::scope(|scope| {
        for (line, body) in [
            ("POST /api/token/", &*login),
            ("POST /api/token/refresh/", &refresh),
            ("POST /api/token/verify/", &refresh),
            ("POST /api/token/blacklist/", &refresh),
            ("POST /api/logout-all", ""),
            ("GET /api/sessions", ""),
            (&session, ""),
            ("GET /health", ""),
            ("GET /api/me", ""),
        ] {
            scope.spawn(move || {
                let start = Instant::now();
                let reply = send(copy, line, access, body);
                assert!(start.elapsed() < FIVE_SECONDS, "{line}: {:?}", start.elapsed());
                if line == "GET /api/me" && !checks {
                    assert_eq!(reply.status, 200, "{reply:?}");
                } else {
                    assert_unavailable(line, &reply);
                }
            });
        }
    });
}

fn sorted_sessions(copy: &Server, access: &str) -> Vec<String> {
    let mut sessions: Vec<_> = sessions(copy, access).iter().map(Value::to_string).collect();
    sessions.sort_unstable();
    sessions
}

pub(super) fn send(copy: &Server, line: &str, access: &str, body: &str) -> Reply {
    let headers = format!("authorization: Bearer {access}\r\ncontent-type: application/json\r\n");
    checked(copy.send(line, &headers, body.as_bytes()))
}

pub(super) fn assert_unavailable(line: &str, reply: &Reply) {
    assert_eq!(reply.status, 503, "{line}: {reply:?}");
    assert!(reply.header("retry-after")[0].parse::<u32>().unwrap() > 0);
    assert!(!reply.body.contains("eyJ"), "{reply:?}");
}

/// Asserts that each copy soon works again with the session from before.
pub(super) fn assert_recovered(copies: &[&Server], access: &str, token: &mut String) {
    let start = Instant::now();
    for copy in copies {
        while call(copy, "GET /health", access).status != 200 {
            assert!(start.elapsed() < RECOVERY, "no recovery");
        }
        let elapsed = start.elapsed();
        println!("recovered after {elapsed:?}");
        assert!(elapsed < RECOVERY, "{elapsed:?}");
        assert_eq!(me(copy, access), 200);
        (_, *token) = tokens(&refresh(copy, token));
    }
}

#[test]
fn recovers_from_a_lock_of_sqlite_by_another_process() {
    let folder = Folder::new();
    let path = folder.path().join("sessions.db");
    let url = format!("sqlite:{}", path.display());
    let copy = |check| start(&[("STORE_URL", &*url), ("CHECK_REVOKED", check)]);
    let copies = [copy("1"), copy("0")];
    let (access, token) = tokens(&log_in(&copies[0], "demo"));
    let id = session_id(&access);

    let lock = block_on(async {
        let mut connection: SqliteConnection =
            SqliteConnectOptions::new().filename(&path).connect().await.unwrap();
        raw_sql("BEGIN IMMEDIATE").execute(&mut connection).await.unwrap();
        connection
    });
    let login = json!({"username": "demo", "password": "demo-password"}).to_string();
    let body = json!({"refresh": token}).to_string();
    let session = format!("DELETE /api/sessions/{id}");
    let early = copy("1");
    thread::scope(|scope| {
        for copy in copies.iter().chain([&early]) {
            for (line, body) in [
                ("POST /api/token/", &*login),
                ("POST /api/token/refresh/", &body),
                ("POST /api/token/blacklist/", &body),
                ("POST /api/logout-all", ""),
                (&session, ""),
                ("GET /health", ""),
            ] {
                let access = &access;
                scope.spawn(move || {
                    let start = Instant::now();
                    assert_unavailable(line, &send(copy, line, access, body));
                    assert!(start.elapsed() < FIVE_SECONDS, "{line}: {:?}", start.elapsed());
                });
            }
        }
    });
    // Reading the file would work, but the store counts as unavailable as a whole.
    assert_unavailable("me", &send(&copies[0], "GET /api/me", &access, ""));
    assert_eq!(me(&copies[1], &access), 200);
    for copy in &copies {
        assert_unavailable("sessions", &send(copy, "GET /api/sessions", &access, ""));
    }

    block_on(sqlx::Connection::close(lock)).unwrap();
    let mut token = token;
    assert_recovered(&[&early, &copies[0], &copies[1]], &access, &mut token);
    assert_eq!(end_session(&early, &access, &id), 204);
}

#[test]
fn starts_before_the_folder_of_the_sqlite_file_exists() {
    let folder = Folder::new();
    let later = folder.path().join("later");
    let url = format!("sqlite://{}/sessions.db", later.display());
    let copy = start(&[("STORE_URL", &*url)]);
    for line in ["GET /health", "POST /api/token/"] {
        let body = r#"{"username":"demo","password":"demo-password"}"#;
        assert_unavailable(line, &send(&copy, line, "", body));
    }
    fs::create_dir(&later).unwrap();
    let (access, mut token) = tokens(&log_in(&copy, "demo"));
    assert_recovered(&[&copy], &access, &mut token);
    logout_all(&copy, &access);
}
