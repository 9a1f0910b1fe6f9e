//! What several subjects need.

pub(crate) mod folder;
pub(crate) mod keys;
pub(crate) mod mint;
pub(crate) mod postgres;
pub(crate) mod session;
pub(crate) mod slow_link;
