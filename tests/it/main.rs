//! The integration tests: one binary, one module a subject.

#![allow(clippy::unwrap_used, unreachable_pub)]

mod architecture;
mod carriage;
mod error;
mod extract;
mod interop;
mod interop_python;
mod jwk;
mod keys;
mod keyset;
mod logging;
mod middleware;
mod oracle;
mod password;
mod support;
mod vectors;
mod verifier;
