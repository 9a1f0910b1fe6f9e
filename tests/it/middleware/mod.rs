//! The middleware.

mod bodies;
mod fail_open;
mod lookup;
mod modes;
mod nested;
mod preflight;
mod readiness;
mod types;
