//! What several subjects need.

use std::path::{Path, PathBuf};

pub(crate) mod announced;
pub(crate) mod api;
pub(crate) mod app;
pub(crate) mod certificate;
pub(crate) mod feed;
pub(crate) mod flaky;
pub(crate) mod folder;
pub(crate) mod foreign;
pub(crate) mod keys;
pub(crate) mod log;
pub(crate) mod login;
pub(crate) mod mint;
pub(crate) mod pgbouncer;
pub(crate) mod postgres;
pub(crate) mod provider;
pub(crate) mod python;
pub(crate) mod recorded;
pub(crate) mod redis;
pub(crate) mod reply;
pub(crate) mod retrying;
pub(crate) mod server;
pub(crate) mod session;
pub(crate) mod slow_body;
pub(crate) mod slow_link;
pub(crate) mod slow_store;
pub(crate) mod tls;

/// A file or folder of the repository.
pub(crate) fn repository(path: impl AsRef<Path>) -> PathBuf {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/..")).join(path)
}
