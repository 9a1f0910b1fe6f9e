//! Environment variables.

use std::env::{self, VarError};

/// The environment variable `name`.
pub(crate) fn setting(name: &str) -> Result<Option<String>, String> {
    match env::var(name) {
        Err(VarError::NotPresent) => Ok(None),
        value => value.map(Some).map_err(|_| format!("{name} is not UTF-8")),
    }
}

/// Whether the variable `name` is 1. The default is 0.
pub(crate) fn switch(name: &str) -> Result<bool, String> {
    match setting(name)?.as_deref() {
        None | Some("0") => Ok(false),
        Some("1") => Ok(true),
        Some(other) => Err(format!("{name} must be 0 or 1, not {other:?}")),
    }
}
