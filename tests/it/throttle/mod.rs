//! Limits on attempts to log in and to refresh.

mod addresses;
mod attempts;
mod events;
mod logins;
mod processes;
mod refreshes;
mod settings;
mod stores;
