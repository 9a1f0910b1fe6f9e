//! Settings from environment variables.

use std::{
    env::{self, VarError},
    error::Error,
    iter,
    time::Duration,
};

/// The environment variable `name`, or `default` if it is not set.
pub(crate) fn setting(name: &str, default: &str) -> Result<String, String> {
    match env::var(name) {
        Err(VarError::NotPresent) => Ok(default.to_owned()),
        value => value.map_err(|_| format!("{name} is not UTF-8")),
    }
}

/// Whether the environment variable `name` is 1 instead of 0, the default.
pub(crate) fn switch(name: &str) -> Result<bool, String> {
    match &*setting(name, "0")? {
        "0" => Ok(false),
        "1" => Ok(true),
        other => Err(format!("{name} must be 0 or 1, not {other:?}")),
    }
}

pub(crate) fn seconds(name: &str, default: u64) -> Result<Duration, String> {
    let value = setting(name, &default.to_string())?;
    let seconds = value.parse();
    let seconds = seconds.map_err(|_| format!("{name} must be whole seconds, not {value:?}"))?;
    Ok(Duration::from_secs(seconds))
}

pub(crate) fn access_lifetime() -> Result<Duration, String> {
    seconds("ACCESS_LIFETIME", 300)
}

pub(crate) fn refresh_lifetime() -> Result<Duration, String> {
    seconds("REFRESH_LIFETIME", 24 * 60 * 60)
}

/// The messages of `error` and of its causes.
pub(crate) fn with_causes(error: &(dyn Error + 'static)) -> String {
    let causes = iter::successors(Some(error), |&error| error.source());
    causes.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}
