//! The macros of `tracing`, or macros that do nothing if the feature is off.

#[cfg(feature = "tracing")]
#[allow(unused_imports, reason = "which levels are used depends on the features")]
pub(crate) use tracing::{debug, error, trace, warn};

#[cfg(not(feature = "tracing"))]
macro_rules! no_op {
    (error = $error:expr, $message:literal) => {{
        let _ = ($error, $message);
    }};
    // A different string for each call, because clippy reports branches with equal code.
    ($($fields:tt)*) => {{
        let _ = stringify!($($fields)*);
    }};
}
#[cfg(not(feature = "tracing"))]
#[allow(unused_imports, reason = "which levels are used depends on the features")]
pub(crate) use {no_op as debug, no_op as error, no_op as trace, no_op as warn};

/// Wraps a future in a span of the level `TRACE`.
#[cfg(feature = "tracing")]
macro_rules! in_span {
    ($name:literal, $future:expr) => {
        tracing::Instrument::instrument($future, tracing::trace_span!($name))
    };
}
#[cfg(not(feature = "tracing"))]
macro_rules! in_span {
    ($name:literal, $future:expr) => {
        $future
    };
}
pub(crate) use in_span;
