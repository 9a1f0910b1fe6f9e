use std::{error::Error, fmt};

/// Why a key, a verifier, an issuer, a set of routes or a store could not be built.
///
/// The message names the setting and what is allowed, and never contains a secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigError {
    kind: ConfigErrorKind,
    message: &'static str,
}

/// The kind of a [`ConfigError`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ConfigErrorKind {
    /// A key or secret is malformed, too weak, or not meant for this use.
    Key,
    /// A value is not allowed.
    OutOfRange,
    /// Settings contradict each other.
    Conflict,
    /// A setting would have no effect, or a setting that it requires is missing.
    Ineffective,
}

impl ConfigError {
    pub(crate) const fn key(message: &'static str) -> Self {
        Self { kind: ConfigErrorKind::Key, message }
    }

    pub(crate) const fn out_of_range(message: &'static str) -> Self {
        Self { kind: ConfigErrorKind::OutOfRange, message }
    }

    pub(crate) const fn conflict(message: &'static str) -> Self {
        Self { kind: ConfigErrorKind::Conflict, message }
    }

    pub(crate) const fn ineffective(message: &'static str) -> Self {
        Self { kind: ConfigErrorKind::Ineffective, message }
    }

    /// The kind of this error.
    #[must_use]
    pub const fn kind(&self) -> ConfigErrorKind {
        self.kind
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.message)
    }
}

impl Error for ConfigError {}
