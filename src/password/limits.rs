//! The largest parameters of a hash, and range checks for settings.

use std::ops::RangeInclusive;

use crate::error::ConfigError;

pub(super) const MAX_MEMORY_KIB: u32 = 1024 * 1024;
pub(super) const MAX_ITERATIONS: u32 = 20;
pub(super) const MAX_PARALLELISM: u32 = 16;

/// Rejects a `value` outside of `allowed`.
pub(super) fn within<T: PartialOrd + Copy>(
    value: T,
    allowed: RangeInclusive<T>,
    message: &'static str,
) -> Result<(), ConfigError> {
    if allowed.contains(&value) { Ok(()) } else { Err(ConfigError::out_of_range(message)) }
}
