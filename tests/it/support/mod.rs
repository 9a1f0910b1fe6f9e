//! What several subjects need.

pub(crate) mod keys;
pub(crate) mod mint;
