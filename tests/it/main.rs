//! The integration tests: one binary, one module a subject.
#![allow(clippy::unwrap_used)] // a panic is how a test fails

mod issuer;
mod password;
mod quickstart;
mod routes;
mod support;
