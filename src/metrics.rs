//! The macros that measure, or macros that do nothing if the feature `metrics` is off.
//!
//! The page `monitoring` lists all names and labels. A label has few values, and a request cannot
//! choose one: the host of a key server is a label only after it has served keys.
//!
//! With literals for labels, the key of a metric is a constant, so that counting allocates nothing.

#![allow(unused_macros, reason = "which macros are used depends on the features")]

#[cfg(feature = "metrics")]
use std::{sync::OnceLock, time::Instant};

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

/// Increments a [`HotCounter`].
#[cfg(feature = "metrics")]
macro_rules! count_hot {
    ($counter:expr, $name:literal $(, $label:literal => $value:literal)*) => {
        $counter.increment(|| ::metrics::counter!($name $(, $label => $value)*))
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
    ($counter:expr, $name:literal $(, $label:literal => $value:literal)*) => {{
        let _ = || (&$counter, $name);
    }};
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
pub(crate) use {count, count_hot, gauge, gauge_add, observe};
#[cfg(not(feature = "metrics"))]
#[allow(unused_imports, reason = "which macros are used depends on the features")]
pub(crate) use {
    no_op as count, no_op as count_hot, no_op as gauge, no_op as gauge_add, no_op as observe,
};

/// A counter that is looked up at its first use only, because each lookup would take longer than
/// a cached token. Without the feature, it is empty.
#[derive(Clone)]
pub(crate) struct HotCounter {
    #[cfg(feature = "metrics")]
    counter: OnceLock<::metrics::Counter>,
}

impl HotCounter {
    pub(crate) const fn new() -> Self {
        Self {
            #[cfg(feature = "metrics")]
            counter: OnceLock::new(),
        }
    }

    #[cfg(feature = "metrics")]
    pub(crate) fn increment(&self, register: impl FnOnce() -> ::metrics::Counter) {
        self.counter.get_or_init(register).increment(1);
    }
}

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
