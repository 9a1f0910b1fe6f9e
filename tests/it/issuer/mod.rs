//! The issuer.

mod adoption;
mod amr;
mod keys;
mod layer;
mod login;
mod outage;
mod race;
mod refresh;
mod revocation;
mod rfc9068;
mod rotation;
mod session_end;
mod sessions;
mod settings;
mod sharing;
mod single_use;
mod single_use_race;
mod skew;
mod tickets;
mod tokens;
