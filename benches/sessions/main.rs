//! The same login and the same protected route with JWT and with sessions:
//!
//! ```sh
//! tests/run # creates target/python
//! export TOWER_JWT_AUTH_PYTHON=$PWD/target/python/bin/python
//! cargo build --release --manifest-path benches/sessions/axum-login/Cargo.toml
//! cargo bench --bench sessions -- src/sessions.svg
//! ```
//!
//! Each subject is a server in two processes on one store. `wrk` (on Debian: `apt install wrk`) sends
//! requests of a logged-in user to the first one, over 16 persistent connections; the subjects take
//! turns. The load generator and the stores share the machine with the servers. The figures are
//! medians of the rounds:
//!
//! - requests per second, and logins per second;
//! - the CPU time of the server and of the store for a request, from `/proc`;
//! - the time that 99 % of the requests stay below;
//! - the calls of the store for a request, as Redis, PostgreSQL or a counter in the server report them;
//! - how long the second process accepts the credential after the logout at the first one.
//!
//! All logins verify argon2id with the same parameters. An argument names the file for the plot.

mod axum_login;
mod django;
mod load;
mod measure;
mod ours;
mod plot;
mod process;
mod subject;

#[allow(dead_code, unreachable_pub, clippy::unwrap_used)]
#[path = "../../tests/it/support/folder.rs"]
mod folder;
#[allow(dead_code, unreachable_pub, clippy::unwrap_used)]
#[path = "../../tests/it/support/postgres.rs"]
mod postgres;
#[allow(dead_code, unreachable_pub, clippy::unwrap_used)]
#[path = "../../tests/it/support/redis.rs"]
mod redis;
#[allow(dead_code, unreachable_pub, clippy::unwrap_used)]
#[path = "../../tests/it/support/reply.rs"]
mod reply;
#[allow(dead_code, unreachable_pub, clippy::unwrap_used)]
#[path = "../../tests/it/support/server.rs"]
mod server;

use std::{env, error::Error, fs, path::Path};

use measure::Measured;
use redis::RedisServer;

const ROUNDS: usize = 5;

fn main() -> Result<(), Box<dyn Error>> {
    if let Ok(check) = env::var(ours::CHECK) {
        return ours::serve(&check);
    }
    // `cargo test --benches` only checks that it compiles.
    if !env::args().any(|argument| argument == "--bench") {
        return Ok(());
    }
    let redis = RedisServer::start(&["--appendonly", "no"]);
    let postgres = postgres::Server::start().ok_or("PostgreSQL is not installed")?;
    let mut subjects = Vec::new();
    for subject in ours::subjects(&redis)?
        .into_iter()
        .chain(axum_login::subjects(&redis)?)
        .chain(django::subjects(&postgres)?)
    {
        subjects.push(Measured::new(subject));
    }
    for round in 0..ROUNDS {
        let start = round % subjects.len();
        let (before, after) = subjects.split_at_mut(start);
        for measured in after.iter_mut().chain(before) {
            measured.sample()?;
        }
    }
    for measured in &mut subjects {
        measured.measure_once()?;
    }
    measure::print(&subjects);
    if let Some(file) = env::args().find(|argument| argument.ends_with(".svg")) {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        fs::write(root.join(file), plot::requests_per_second(&subjects))?;
    }
    Ok(())
}
