//! The SimpleJWT preset without Django: settings, views, protected routes. The expected responses
//! are those of SimpleJWT 5.5.1.

mod adoption;
mod bodies;
mod example;
mod fields;
mod hooks;
mod json;
mod outage;
mod protected;
mod race;
mod rejected;
mod schema;
mod settings;
mod setup;
mod tokens;
mod views;
