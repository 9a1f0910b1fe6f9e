//! The integration tests: one binary, one module a subject.
#![allow(clippy::unwrap_used)] // a panic is how a test fails

mod interop;
mod jwk;
mod keys;
mod keyset;
mod support;
mod vectors;
mod verifier;
