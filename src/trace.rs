//! `tracing`'s macros, or nothing in their place without the feature.

#[cfg(feature = "tracing")]
pub(crate) use tracing::{debug, warn};

#[cfg(not(feature = "tracing"))]
macro_rules! nothing {
    ($($fields:tt)*) => {};
}
#[cfg(not(feature = "tracing"))]
pub(crate) use nothing as debug;
#[cfg(not(feature = "tracing"))]
pub(crate) use nothing as warn;
