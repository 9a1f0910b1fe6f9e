use std::{error::Error, fmt, sync::Arc};

/// Why something could not be built: a key, a verifier, an issuer, a set of routes.
///
/// Its text names the setting that is wrong and never holds a secret.
#[derive(Clone)]
pub struct ConfigError {
    kind: ConfigErrorKind,
    message: &'static str,
    source: Option<Arc<dyn Error + Send + Sync>>,
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
        Self { kind, message, source: None }
    }

    pub(crate) const fn key(message: &'static str) -> Self {
        Self::new(ConfigErrorKind::Key, message)
    }

    pub(crate) fn with_source(mut self, source: impl Error + Send + Sync + 'static) -> Self {
        self.source = Some(Arc::new(source));
        self
    }

    /// The sort of this error.
    #[must_use]
    pub const fn kind(&self) -> ConfigErrorKind {
        self.kind
    }
}

impl fmt::Debug for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ConfigError")
            .field("kind", &self.kind)
            .field("message", &self.message)
            .finish_non_exhaustive()
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.message)
    }
}

impl Error for ConfigError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.source.as_deref().map(|source| source as _)
    }
}
