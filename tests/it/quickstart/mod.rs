//! The quickstart, as somebody meets it who has just started it.

mod contract;
mod hostile;
mod process;

use crate::support::{
    api::{assert_silent_about, checked, get, log_in, now, post, post_bytes, signed, tokens},
    login::SECRET,
    server::Server,
};

fn start() -> Server {
    Server::start("quickstart", &[("PORT", "0"), ("JWT_SECRET", SECRET)])
}
