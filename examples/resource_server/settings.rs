//! Environment variables.

use std::{
    env::{self, VarError},
    error::Error,
    iter,
    time::Duration,
};

/// The environment variable `name`.
pub(crate) fn setting(name: &str) -> Result<Option<String>, String> {
    match env::var(name) {
        Err(VarError::NotPresent) => Ok(None),
        value => value.map(Some).map_err(|_| format!("{name} is not UTF-8")),
    }
}

pub(crate) fn seconds(name: &str) -> Result<Option<Duration>, String> {
    let Some(value) = setting(name)? else {
        return Ok(None);
    };
    let seconds = value.parse();
    let seconds = seconds.map_err(|_| format!("{name} must be whole seconds, not {value:?}"))?;
    Ok(Some(Duration::from_secs(seconds)))
}

/// Whether the variable `name` is 1. The default is 0.
pub(crate) fn switch(name: &str) -> Result<bool, String> {
    match setting(name)?.as_deref() {
        None | Some("0") => Ok(false),
        Some("1") => Ok(true),
        Some(other) => Err(format!("{name} must be 0 or 1, not {other:?}")),
    }
}

/// The messages of `error` and of its causes.
pub(crate) fn with_causes(error: &(dyn Error + 'static)) -> String {
    let causes = iter::successors(Some(error), |&error| error.source());
    causes.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}
