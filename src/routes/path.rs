//! The paths of routes.

use crate::error::ConfigError;

/// Whether `path` is an absolute path without parameters, escapes and special characters.
pub(crate) fn is_path(path: &str) -> bool {
    let is_allowed =
        |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'/' | b'-' | b'.' | b'_' | b'~');
    path.starts_with('/') && path.bytes().all(is_allowed)
}

/// Removes the slashes at the end of a base path.
pub(crate) fn without_trailing_slash(base: &str) -> String {
    base.trim_end_matches('/').to_owned()
}

/// Checks a base path from [`without_trailing_slash`], which may be empty.
pub(crate) fn check_base(base: &str) -> Result<(), ConfigError> {
    if base.is_empty() || is_path(base) {
        return Ok(());
    }
    Err(ConfigError::out_of_range(
        "the path of `at` must start with a slash and contain only letters, digits and `/-._~`",
    ))
}

/// Fails if two routes have the same path. A slash at the end makes no difference.
pub(super) fn check_distinct<'p>(
    paths: impl IntoIterator<Item = &'p str>,
) -> Result<(), ConfigError> {
    let mut paths: Vec<_> = paths.into_iter().map(|path| path.trim_end_matches('/')).collect();
    paths.sort_unstable();
    if paths.windows(2).any(|pair| pair[0] == pair[1]) {
        return Err(ConfigError::conflict("each route must have a path of its own"));
    }
    Ok(())
}
