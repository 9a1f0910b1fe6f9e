//! The example `django` and Django itself, on one PostgreSQL database:
//!
//! ```sh
//! tests/run # creates target/python
//! export TOWER_JWT_AUTH_PYTHON=$PWD/target/python/bin/python
//! cargo build --release --all-features --example django
//! cargo bench --all-features --bench django
//! ```
//!
//! gunicorn serves Django with two workers of four threads, and with persistent connections to the
//! database. The database is started for this benchmark with `fsync=off`, so that the disk does not
//! dominate. Both sides have `ROTATE_REFRESH_TOKENS` and `BLACKLIST_AFTER_ROTATION`.
//!
//! Sixteen clients send requests on persistent connections. Each refreshes with the token that it
//! got last. The sides take turns. The figures are requests per second, medians of the rounds. The
//! clients and the database share the machine with the servers. All clients are tasks of one thread
//! that parses as little of a response as possible, because its cost weighs more on the faster side.

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
    time::{Duration, Instant},
};

use futures::future::join_all;
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    runtime::{Builder, Runtime},
};

use database::{Database, Engine};
use project::{Django, FEW_ITERATIONS, SECRET_KEY, Settings};
use support::server::Server;

const ROUNDS: usize = 5;
/// The duration of one side in one round.
const SLICE: Duration = Duration::from_secs(2);
const CLIENTS: usize = 16;

fn main() {
    // `cargo test --benches` only builds it.
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
            local_zone: None,
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
    let runtime = Builder::new_current_thread().enable_io().build().expect("a runtime");
    let addresses = [django.address(), ours.address()];

    println!("{:<28} {:>9} {:>9} {:>7}", "", "Django", "ours", "ratio");
    for (name, load) in [
        ("refresh, rotating", Load::Refresh),
        ("verify", Load::Verify),
        ("GET of a protected route", Load::Hello),
    ] {
        let mut clients = addresses.map(|address| runtime.block_on(clients(address)));
        let mut rates = [(); 2].map(|()| Vec::new());
        let mut ratios = Vec::new();
        for round in 0..=ROUNDS {
            let rate = clients.each_mut().map(|clients| rate(&runtime, clients, load));
            // The first round is a warm-up.
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

/// Requests per second.
fn rate(runtime: &Runtime, clients: &mut [Client], load: Load) -> f64 {
    let begun = Instant::now();
    let calls: u32 = runtime.block_on(async {
        let running = clients.iter_mut().map(|client| client.call(load, begun + SLICE));
        join_all(running).await.into_iter().sum()
    });
    f64::from(calls) / begun.elapsed().as_secs_f64()
}

async fn clients(address: &str) -> Vec<Client> {
    join_all((0..CLIENTS).map(|_| Client::log_in(address))).await
}

struct Client {
    connection: Connection,
    access: String,
    refresh: String,
}

impl Client {
    async fn log_in(address: &str) -> Self {
        let stream = TcpStream::connect(address).await.expect("the server listens");
        stream.set_nodelay(true).expect("a TCP stream");
        let mut connection = Connection { stream, response: Vec::new() };
        let credentials = json!({"username": "alice", "password": "alice-password"});
        let tokens = connection.send(&post("/api/token/", &credentials)).await;
        Self { access: token(tokens, "access"), refresh: token(tokens, "refresh"), connection }
    }

    /// Sends one request after another. Returns their number.
    async fn call(&mut self, load: Load, until: Instant) -> u32 {
        let mut request = match load {
            Load::Refresh => post("/api/token/refresh/", &json!({"refresh": self.refresh})),
            Load::Verify => post("/api/token/verify/", &json!({"token": self.access})),
            Load::Hello => format!(
                "GET /api/hello/ HTTP/1.1\r\nhost: test\r\nauthorization: Bearer {}\r\n\r\n",
                self.access
            ),
        };
        let mut calls = 0;
        while Instant::now() < until {
            let body = self.connection.send(&request).await;
            if matches!(load, Load::Refresh) {
                self.refresh = token(body, "refresh");
                request = post("/api/token/refresh/", &json!({"refresh": self.refresh}));
            }
            calls += 1;
        }
        calls
    }
}

fn post(path: &str, body: &Value) -> String {
    let body = body.to_string();
    format!(
        "POST {path} HTTP/1.1\r\nhost: test\r\ncontent-type: application/json\r\n\
         content-length: {}\r\n\r\n{body}",
        body.len()
    )
}

fn token(body: &[u8], name: &str) -> String {
    let body: Value = serde_json::from_slice(body).expect("JSON");
    body[name].as_str().expect("a token").to_owned()
}

struct Connection {
    stream: TcpStream,
    response: Vec<u8>,
}

impl Connection {
    /// Sends a request. Returns the body of the response.
    async fn send(&mut self, request: &str) -> &[u8] {
        self.stream.write_all(request.as_bytes()).await.expect("the connection stays open");
        self.response.clear();
        let body = loop {
            let len =
                self.stream.read_buf(&mut self.response).await.expect("the connection stays open");
            assert!(len > 0, "the connection stays open");
            if let Some(body) = body_in(&self.response) {
                break body;
            }
        };
        &self.response[body..]
    }
}

/// The start of the body, once the response is complete.
fn body_in(response: &[u8]) -> Option<usize> {
    let body = response.windows(4).position(|bytes| bytes == b"\r\n\r\n")? + 4;
    let head = str::from_utf8(&response[..body]).expect("ASCII");
    assert!(head.starts_with("HTTP/1.1 200 "), "{head}");
    let mut headers = head.lines().filter_map(|line| line.split_once(':'));
    let (_, len) = headers.find(|(name, _)| name.eq_ignore_ascii_case("content-length"))?;
    let len: usize = len.trim().parse().expect("a length");
    (response.len() == body + len).then_some(body)
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
