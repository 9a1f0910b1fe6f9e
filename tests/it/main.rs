//! The integration tests: one binary, one module a subject.

#![allow(clippy::unwrap_used, unreachable_pub)]

mod architecture;
mod memory_store;
mod password;
