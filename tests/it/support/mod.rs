//! What several subjects need.

pub(crate) mod feed;
pub(crate) mod keys;
pub(crate) mod mint;
pub(crate) mod redis;
