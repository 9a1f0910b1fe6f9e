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
mod redis_store;
mod replica;
mod support;
mod vectors;
mod verifier;
