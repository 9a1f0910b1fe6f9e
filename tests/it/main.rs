//! The integration tests: one binary with a module per subject.

#![allow(clippy::unwrap_used, unreachable_pub)] // tests fail by panicking

mod architecture;
mod clock;
mod django;
mod django_database;
mod django_hashes;
mod error;
mod extract;
mod interop;
mod interop_jwks;
mod interop_python;
mod issuer;
mod jwk;
mod jwks;
mod key_rotation;
mod keys;
mod keyset;
mod logging;
mod manifest;
mod memory_store;
mod middleware;
mod model;
mod oauth;
mod oracle;
mod password;
mod postgres_store;
mod postgres_transactions;
mod purger;
mod quickstart;
mod redis_store;
mod redis_tls;
mod replica;
mod resource_server;
mod routes;
mod server;
mod simplejwt;
mod sql_store;
mod sqlite_store;
mod support;
mod transport;
mod vectors;
mod verifier;
mod well_known;
