//! The issuer: what it writes, and when it refuses to.

mod adoption;
mod keys;
mod outage;
mod race;
mod refresh;
mod revocation;
mod rfc9068;
mod rotation;
mod sessions;
mod settings;
mod tokens;
