//! `tracing`'s macros, or nothing in their place without the feature.

#[cfg(feature = "tracing")]
pub(crate) use tracing::{debug, error, trace, warn};

#[cfg(not(feature = "tracing"))]
macro_rules! nothing {
    // No code, but not the same none in each branch of an `if`, which clippy takes for a mistake.
    ($($fields:tt)*) => {{
        let _ = stringify!($($fields)*);
    }};
}
#[cfg(not(feature = "tracing"))]
pub(crate) use {nothing as debug, nothing as error, nothing as trace, nothing as warn};

/// A future, within a span of the level `TRACE`.
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
