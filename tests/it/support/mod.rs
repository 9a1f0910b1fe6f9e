//! What several subjects need.

pub(crate) mod app;
pub(crate) mod keys;
pub(crate) mod log;
pub(crate) mod mint;
pub(crate) mod slow_store;
