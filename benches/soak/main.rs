//! Two copies of the example `server` on one store, under load and faults, against a model of each
//! session: `cargo bench --bench soak -- postgres`, or `redis`. A number sets the seconds, 600 by
//! default. The examples must be built for release first: `cargo build --release --example server`.
//!
//! Clients log in, refresh, sometimes in three tabs at once, call a protected route, log out, and log
//! out everywhere, each time at one of the two copies. Meanwhile copies and the database are killed
//! (`SIGKILL`), the database is suspended, and its connections are cut. Copies check the store on each
//! request.
//!
//! The program fails if one of these rules is violated:
//!
//! - No token is accepted later than [`model::BOUND`] after its session has ended.
//! - No session is lost, except if one of its refreshes got no response for longer than the grace
//!   period.
//! - All responses to concurrent refreshes of one token carry the same successor.
//! - There is no status other than 200, 401 and 503.
//!
//! It also prints the memory and the open files of the copies after a fifth of the time and at the
//! end, and the duration of requests without a fault.

mod client;
mod copy;
mod database;
mod faults;
mod model;
mod report;
mod worker;

#[allow(dead_code, unreachable_pub, clippy::unwrap_used)]
#[path = "../../tests/it/support/folder.rs"]
mod folder;
#[allow(dead_code, unreachable_pub, clippy::unwrap_used)]
#[path = "../../tests/it/support/postgres.rs"]
mod postgres;
#[allow(dead_code, unreachable_pub, clippy::unwrap_used)]
#[path = "../../tests/it/support/redis.rs"]
mod redis;

use std::{
    env,
    error::Error,
    thread,
    time::{Duration, Instant},
};

use copy::Copies;
use database::Database;
use model::Model;
use report::{Footprint, print_footprints};

/// How many clients each of the two users has.
const CLIENTS: usize = 16;

fn main() -> Result<(), Box<dyn Error>> {
    // `cargo test --benches` only checks that it compiles.
    if !env::args().any(|argument| argument == "--bench") {
        return Ok(());
    }
    let seconds = env::args().find_map(|argument| argument.parse().ok()).unwrap_or(600);
    let duration = Duration::from_secs(seconds);
    let mut database = Database::start(env::args().any(|argument| argument == "redis"))?;
    let copies = Copies::start(&database.url())?;
    let model = Model::new();
    let began = Instant::now();

    let footprints = thread::scope(|scope| {
        for user in ["demo", "admin"] {
            for _ in 0..CLIENTS {
                scope.spawn(|| worker::run(user, &copies, &model));
            }
        }
        scope.spawn(|| worker::try_ended_tokens(&copies, &model));
        scope.spawn(|| model.print_progress(began));

        let result = faults::inject(duration, &mut database, &copies, &model);
        model.stop();
        result
    })?;

    worker::check_all(&copies, &model);
    print_footprints(&footprints);
    print_footprints(&[Footprint::now(&copies, "after the last check")]);
    model.print_summary();
    if model.violations() > 0 {
        return Err(format!("{} violations", model.violations()).into());
    }
    Ok(())
}
