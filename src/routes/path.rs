//! The paths of routes.

use crate::error::ConfigError;

/// Whether `path` is an absolute path without parameters, escapes and special characters.
pub(crate) fn is_path(path: &str) -> bool {
    let is_allowed =
        |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'/' | b'-' | b'.' | b'_' | b'~');
    path.starts_with('/') && path.bytes().all(is_allowed)
}

/// Removes the slashes at the end of a base path.
pub(super) fn without_trailing_slash(base: &str) -> String {
    base.trim_end_matches('/').to_owned()
}

/// Checks a base path from [`without_trailing_slash`], which may be empty.
pub(super) fn check_base(base: &str) -> Result<(), ConfigError> {
    if base.is_empty() || is_path(base) {
        return Ok(());
    }
    Err(ConfigError::out_of_range(
        "the path of `at` must start with a slash and contain only letters, digits and `/-._~`",
    ))
}
