use std::{sync::Arc, time::Duration};

use crate::error::ConfigError;

use super::dialect::Dialect;

/// How a project stores times. Without `USE_TZ`, SimpleJWT writes times in UTC, and Django reads them
/// as times in `TIME_ZONE`.
#[derive(Clone, Debug, Default)]
pub(super) struct Times {
    /// `TIME_ZONE`, if `USE_TZ` is off.
    local_zone: Option<Arc<str>>,
}

impl Times {
    /// Times of a project without `USE_TZ`.
    pub(super) fn local(zone: &str) -> Result<Self, ConfigError> {
        let is_part = |byte: u8| byte.is_ascii_alphanumeric() || b"/_+-".contains(&byte);
        if zone.is_empty() || !zone.bytes().all(is_part) {
            return Err(ConfigError::out_of_range(
                "the time zone must be a name such as Europe/Berlin",
            ));
        }
        Ok(Self { local_zone: Some(zone.into()) })
    }

    /// The SQL for a parameter in seconds since 1970, as SimpleJWT writes times. In SQLite it is a
    /// string in Django's form.
    pub(super) fn of_token(&self, dialect: Dialect, param: &str) -> String {
        match (dialect, &self.local_zone) {
            (Dialect::Postgres, None) => format!("to_timestamp({param})"),
            (Dialect::Postgres, Some(zone)) => {
                format!("(to_timestamp({param}) AT TIME ZONE 'UTC' AT TIME ZONE '{zone}')")
            }
            (Dialect::Sqlite, _) => format!("datetime({param}, 'unixepoch')"),
        }
    }

    /// The same, as Django itself writes times.
    pub(super) fn of_django(&self, dialect: Dialect, param: &str) -> String {
        match (dialect, &self.local_zone) {
            (Dialect::Postgres, _) => format!("to_timestamp({param})"),
            (Dialect::Sqlite, None) => format!("datetime({param}, 'unixepoch')"),
            (Dialect::Sqlite, Some(_)) => format!("datetime({param}, 'unixepoch', 'localtime')"),
        }
    }

    /// By how much a stored time may be too late: times in the hour that clocks skip in spring are
    /// read as one hour later.
    pub(super) const fn slack(&self) -> Duration {
        Duration::from_secs(if self.local_zone.is_some() { 60 * 60 } else { 0 })
    }
}
