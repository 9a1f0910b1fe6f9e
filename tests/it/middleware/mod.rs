//! The layer: whom it lets through, readiness, lookups, bodies. Rows 32, 33 and 45.

mod bodies;
mod lookup;
mod modes;
mod readiness;
mod types;
