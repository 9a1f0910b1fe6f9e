//! The example `quickstart` as a process.

mod contract;
mod hostile;
mod process;

use crate::support::{
    api::{assert_silent_about, checked, get, log_in, now, post, post_bytes, signed, tokens},
    login::SECRET,
    server::Server,
};

/// Starts the example without a grace for reuse.
fn start() -> Server {
    start_with(&[("REUSE_GRACE", "0")])
}

fn start_with(variables: &[(&str, &str)]) -> Server {
    Server::start("quickstart", &[&[("PORT", "0"), ("JWT_SECRET", SECRET)], variables].concat())
}
