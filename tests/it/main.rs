//! The integration tests: one binary, one module a subject.

#![allow(clippy::unwrap_used, unreachable_pub)]

mod architecture;
mod error;
mod interop;
mod interop_python;
mod jwk;
mod keys;
mod keyset;
mod memory_store;
mod oracle;
mod password;
mod postgres_store;
mod purger;
mod redis_store;
mod replica;
mod sql_store;
mod sqlite_store;
mod support;
mod vectors;
mod verifier;
