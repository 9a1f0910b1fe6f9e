//! The example `django` next to Django itself, on one PostgreSQL database:
//!
//! ```sh
//! tests/run # or whatever else makes target/python
//! export TOWER_JWT_AUTH_PYTHON=$PWD/target/python/bin/python
//! cargo build --release --all-features --example django
//! cargo bench --all-features --bench django
//! ```
//!
//! Django is served by gunicorn with two workers of four threads, and keeps its connections to the
//! database, which is started for the occasion, with `fsync=off` so that no disk hides what is
//! compared. Both have `ROTATE_REFRESH_TOKENS` and `BLACKLIST_AFTER_ROTATION`. Sixteen clients, on
//! connections that stay open, ask one after another; each refreshes with what it got last. The
//! sides take turns, and the figures are requests in a second, medians of the rounds. The clients
//! run on the same machine, which costs the faster side more.

#[allow(dead_code, unreachable_pub, clippy::unwrap_used)]
#[path = "../tests/it/django/database.rs"]
mod database;
#[allow(dead_code, unreachable_pub, clippy::unwrap_used)]
#[path = "../tests/it/django/project.rs"]
mod project;

#[allow(dead_code, unreachable_pub, clippy::unwrap_used)]
mod support {
    #[path = "../../tests/it/support/folder.rs"]
    pub(crate) mod folder;
    #[path = "../../tests/it/support/postgres.rs"]
    pub(crate) mod postgres;
    #[path = "../../tests/it/support/reply.rs"]
    pub(crate) mod reply;
    #[path = "../../tests/it/support/server.rs"]
    pub(crate) mod server;
    #[path = "../../tests/it/support/session.rs"]
    pub(crate) mod session;
}

use std::{
    env,
    io::{Read, Write},
    net::TcpStream,
    sync::Mutex,
    thread,
    time::{Duration, Instant},
};

use serde_json::{Value, json};

use database::{Database, Engine};
use project::{Django, FEW_ITERATIONS, SECRET_KEY, Settings};
use support::server::Server;

const ROUNDS: usize = 5;
/// How long a side is asked in one round.
const SLICE: Duration = Duration::from_secs(2);
const CLIENTS: usize = 16;

fn main() {
    // `cargo test --benches` only wants to see that it builds.
    if !env::args().any(|argument| argument == "--bench") || project::python().is_none() {
        return;
    }
    let Some(database) = Database::new(Engine::Postgres, true) else { return };
    let simple_jwt = json!({
        "ROTATE_REFRESH_TOKENS": true,
        "BLACKLIST_AFTER_ROTATION": true,
        "ACCESS_TOKEN_LIFETIME": 3600,
    });
    let django = Django::start_with(
        &Settings {
            simple_jwt: simple_jwt.clone(),
            blacklist_app: true,
            database: database.settings.clone(),
            password_iterations: FEW_ITERATIONS,
        },
        2,
        4,
    );
    let ours = Server::start(
        "django",
        &[
            ("PORT", "0"),
            ("RUST_LOG", "off"),
            ("SECRET_KEY", SECRET_KEY),
            ("DATABASE_URL", &database.url),
            ("SIMPLE_JWT", &simple_jwt.to_string()),
            ("TOKEN_BLACKLIST_APP", "1"),
            ("PASSWORD_ITERATIONS", &FEW_ITERATIONS.to_string()),
        ],
    );
    let sides: [Box<dyn Fn() -> TcpStream + Sync>; 2] =
        [Box::new(|| django.connect()), Box::new(|| ours.connect())];

    println!("{:<28} {:>9} {:>9} {:>7}", "", "Django", "ours", "ratio");
    for (name, load) in [
        ("refresh, rotating", Load::Refresh),
        ("verify", Load::Verify),
        ("GET of a protected route", Load::Hello),
    ] {
        let clients = sides.each_ref().map(|connect| clients(connect));
        let mut rates = [(); 2].map(|()| Vec::new());
        let mut ratios = Vec::new();
        for round in 0..=ROUNDS {
            let rate = [0, 1].map(|side| rate(&clients[side], &sides[side], load));
            // The first one warms up.
            if round > 0 {
                rates[0].push(rate[0]);
                rates[1].push(rate[1]);
                ratios.push(rate[1] / rate[0]);
            }
        }
        let [django, ours] = rates.map(median);
        println!("{name:<28} {django:>9.0} {ours:>9.0} {:>7.1}", median(ratios));
    }
}

#[derive(Clone, Copy)]
enum Load {
    Refresh,
    Verify,
    Hello,
}

/// What a client has.
struct Client {
    access: String,
    refresh: String,
}

fn clients(connect: &(dyn Fn() -> TcpStream + Sync)) -> Vec<Mutex<Client>> {
    let mut stream = connect();
    let body = json!({"username": "alice", "password": "alice-password"}).to_string();
    let log_in = |_| {
        let tokens = post(&mut stream, "/api/token/", &body);
        let token = |name: &str| tokens[name].as_str().expect("a token").to_owned();
        Mutex::new(Client { access: token("access"), refresh: token("refresh") })
    };
    (0..CLIENTS).map(log_in).collect()
}

/// Requests in a second.
fn rate(clients: &[Mutex<Client>], connect: &(dyn Fn() -> TcpStream + Sync), load: Load) -> f64 {
    let begun = Instant::now();
    let calls: u32 = thread::scope(|scope| {
        let running: Vec<_> = clients
            .iter()
            .map(|client| {
                scope.spawn(move || {
                    let client = &mut *client.lock().expect("only this thread has it");
                    let mut stream = connect();
                    let mut calls = 0;
                    while begun.elapsed() < SLICE {
                        client.call(&mut stream, load);
                        calls += 1;
                    }
                    calls
                })
            })
            .collect();
        running.into_iter().map(|client| client.join().expect("all answers are good")).sum()
    });
    f64::from(calls) / begun.elapsed().as_secs_f64()
}

impl Client {
    fn call(&mut self, stream: &mut TcpStream, load: Load) {
        match load {
            Load::Refresh => {
                let body = format!(r#"{{"refresh":"{}"}}"#, self.refresh);
                let tokens = post(stream, "/api/token/refresh/", &body);
                self.refresh = tokens["refresh"].as_str().expect("a token").to_owned();
            }
            Load::Verify => {
                let body = format!(r#"{{"token":"{}"}}"#, self.access);
                post(stream, "/api/token/verify/", &body);
            }
            Load::Hello => {
                let head = format!(
                    "GET /api/hello/ HTTP/1.1\r\nhost: test\r\nauthorization: Bearer {}\r\n\r\n",
                    self.access
                );
                send(stream, &head);
            }
        }
    }
}

fn post(stream: &mut TcpStream, path: &str, body: &str) -> Value {
    send(
        stream,
        &format!(
            "POST {path} HTTP/1.1\r\nhost: test\r\ncontent-type: application/json\r\n\
             content-length: {}\r\n\r\n{body}",
            body.len()
        ),
    )
}

fn send(stream: &mut TcpStream, request: &str) -> Value {
    stream.write_all(request.as_bytes()).expect("it stays open");
    let mut answer = Vec::new();
    let mut buffer = [0; 4096];
    loop {
        let len = stream.read(&mut buffer).expect("it stays open");
        assert!(len > 0, "it stays open");
        answer.extend(&buffer[..len]);
        let text = str::from_utf8(&answer).expect("text");
        let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
        assert!(head.starts_with("HTTP/1.1 200 "), "{text}");
        let mut headers = head.lines().filter_map(|line| line.split_once(':'));
        let len = headers.find(|(name, _)| name.eq_ignore_ascii_case("content-length"));
        let len: usize = len.and_then(|(_, len)| len.trim().parse().ok()).expect("a length");
        if body.len() == len {
            return serde_json::from_str(body).expect("JSON");
        }
    }
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
