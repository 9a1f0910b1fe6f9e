//! The issuer.

mod adoption;
mod keys;
mod layer;
mod login;
mod outage;
mod race;
mod refresh;
mod revocation;
mod rfc9068;
mod rotation;
mod sessions;
mod settings;
mod sharing;
mod skew;
mod tokens;
