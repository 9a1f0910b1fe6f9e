//! What several subjects need.

pub(crate) mod flaky;
pub(crate) mod login;
pub(crate) mod reply;
pub(crate) mod server;
