//! Limits on attempts to log in.

mod addresses;
mod attempts;
mod logins;
mod settings;
mod stores;
