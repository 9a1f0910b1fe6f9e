//! The SimpleJWT preset, as far as it can be tested without Django: settings, views, protected
//! routes. What is expected was told by SimpleJWT 5.5.1 itself.

mod bodies;
mod example;
mod fields;
mod hooks;
mod json;
mod outage;
mod protected;
mod race;
mod refused;
mod settings;
mod setup;
mod tokens;
mod views;
