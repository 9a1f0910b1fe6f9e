//! The middleware.

mod bodies;
mod fail_open;
mod lookup;
mod modes;
mod readiness;
mod types;
