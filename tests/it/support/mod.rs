//! What several subjects need.

pub(crate) mod feed;
pub(crate) mod folder;
pub(crate) mod keys;
pub(crate) mod mint;
pub(crate) mod postgres;
pub(crate) mod redis;
pub(crate) mod session;
pub(crate) mod slow_link;
