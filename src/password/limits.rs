//! The largest costs that a hash may have, and the check of settings against a range.

use std::ops::RangeInclusive;

use crate::error::ConfigError;

pub(super) const MAX_MEMORY_KIB: u32 = 1024 * 1024;
pub(super) const MAX_ITERATIONS: u32 = 20;
pub(super) const MAX_PARALLELISM: u32 = 16;

/// Returns an error with `message` if `value` is not one of `allowed`.
pub(super) fn within<T: PartialOrd + Copy>(
    value: T,
    allowed: RangeInclusive<T>,
    message: &'static str,
) -> Result<(), ConfigError> {
    if allowed.contains(&value) { Ok(()) } else { Err(ConfigError::out_of_range(message)) }
}
