use std::{error::Error, fmt};

/// Why something could not be built: a key, a verifier, an issuer, a set of routes.
///
/// Its text names the setting that is wrong and never holds a secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigError {
    kind: ConfigErrorKind,
    message: &'static str,
}

/// The sort of a [`ConfigError`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ConfigErrorKind {
    /// A key or secret is malformed, too weak, or not meant for this use.
    Key,
    /// A value lies outside what is allowed.
    OutOfRange,
    /// Settings contradict each other.
    Conflict,
    /// A setting would have no effect, or something it needs is missing.
    Ineffective,
}

impl ConfigError {
    pub(crate) const fn new(kind: ConfigErrorKind, message: &'static str) -> Self {
        Self { kind, message }
    }

    pub(crate) const fn key(message: &'static str) -> Self {
        Self::new(ConfigErrorKind::Key, message)
    }

    /// The sort of this error.
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
