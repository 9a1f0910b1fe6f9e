//! The issuer: what it writes, and when it refuses to.

mod adoption;
mod keys;
mod outage;
mod race;
mod refresh;
mod revocation;
mod rotation;
mod settings;
mod tokens;
