//! The macros that measure, or macros that do nothing if the feature `metrics` is off.
//!
//! The page `monitoring` lists all names and labels. A label has few values, and none comes from a
//! request.
//!
//! With literals for labels, the key of a metric is a constant, so that counting allocates nothing.

#![allow(unused_macros, reason = "which macros are used depends on the features")]

#[cfg(feature = "metrics")]
use std::time::Instant;

/// Increments a counter.
#[cfg(feature = "metrics")]
macro_rules! count {
    ($name:literal $(, $label:literal => $value:literal)*) => {
        ::metrics::counter!($name $(, $label => $value)*).increment(1)
    };
    ($name:literal $(, $label:literal => $value:expr)*) => {
        ::metrics::counter!($name $(, $label => $value)*).increment(1)
    };
}

/// Sets a gauge.
#[cfg(feature = "metrics")]
macro_rules! gauge {
    ($name:literal $(, $label:literal => $label_value:expr)*; $value:expr) => {
        ::metrics::gauge!($name $(, $label => $label_value)*).set($value)
    };
}

/// Adds to a gauge.
#[cfg(feature = "metrics")]
macro_rules! gauge_add {
    ($name:literal; $value:literal) => {
        ::metrics::gauge!($name).increment($value)
    };
}

/// Records the time of a [`Stopwatch`] in a histogram.
#[cfg(feature = "metrics")]
macro_rules! observe {
    ($name:literal $(, $label:literal => $value:expr)*; $stopwatch:expr) => {
        ::metrics::histogram!($name $(, $label => $value)*).record($stopwatch.secs())
    };
}

#[cfg(not(feature = "metrics"))]
macro_rules! no_op {
    ($name:literal $(, $label:literal => $label_value:expr)* $(; $value:expr)?) => {{
        // Never called: the values are used, but not computed.
        let _ = || {
            $(let _ = &$label_value;)*
            $(let _ = &$value;)?
            stringify!($name)
        };
    }};
}

#[cfg(feature = "metrics")]
#[allow(unused_imports, reason = "which macros are used depends on the features")]
pub(crate) use {count, gauge, gauge_add, observe};
#[cfg(not(feature = "metrics"))]
#[allow(unused_imports, reason = "which macros are used depends on the features")]
pub(crate) use {no_op as count, no_op as gauge, no_op as gauge_add, no_op as observe};

/// Measures the time since its start. Without the feature, it is empty.
#[derive(Clone, Copy)]
pub(crate) struct Stopwatch {
    #[cfg(feature = "metrics")]
    started: Instant,
}

impl Stopwatch {
    pub(crate) fn start() -> Self {
        Self {
            #[cfg(feature = "metrics")]
            started: Instant::now(),
        }
    }

    #[cfg(feature = "metrics")]
    pub(crate) fn secs(self) -> f64 {
        self.started.elapsed().as_secs_f64()
    }
}
