//! The middleware.

mod bodies;
mod fail_open;
mod lookup;
mod modes;
mod nested;
mod readiness;
mod types;
