//! The example `webapp` as a process, without a browser.

mod account;
mod client;
mod contract;
mod cross_site;
mod outage;
pub(crate) mod outbox;
mod process;
mod safe;
pub(crate) mod second_step;
mod sign_up;
mod socket;
mod throttle;
mod tickets;

use crate::{
    server::Store,
    support::{login::SECRET, server::Server},
};

/// Starts the example on the database at `url`.
pub(crate) fn start(url: &str, variables: &[(&str, &str)]) -> Server {
    let required = [("PORT", "0"), ("JWT_SECRET", SECRET), ("DATABASE_URL", url)];
    Server::start("webapp", &[&required, variables].concat())
}

/// An empty database of each supported kind that is installed.
fn databases() -> impl Iterator<Item = Store> {
    [Store::sqlite(), Store::postgres()].into_iter().flatten()
}
