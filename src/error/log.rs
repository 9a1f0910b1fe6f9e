//! The macro that logs an [`AuthError`](super::AuthError). It does nothing if the feature `tracing` is
//! off.

/// Logs a rejection with the fields that distinguish its reason.
#[cfg(feature = "tracing")]
macro_rules! log_rejection {
    ($level:ident, $error:expr, $message:literal) => {{
        let error: &crate::error::AuthError = $error;
        tracing::$level!(
            kind = ?error.kind(),
            member = error.member(),
            rule = error.rule(),
            setting = error.setting(),
            kid = error.kid(),
            keys = error.key_count(),
            cause = std::error::Error::source(error)
                .map(|source| tracing::field::display(crate::error::Causes(source))),
            $message
        );
    }};
}
#[cfg(not(feature = "tracing"))]
macro_rules! log_rejection {
    ($level:ident, $error:expr, $message:literal) => {{
        let _: (&crate::error::AuthError, &str) = ($error, $message);
    }};
}
pub(crate) use log_rejection;
