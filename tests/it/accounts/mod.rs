//! The account routes.

mod browser;
mod counted;
mod enumeration;
mod mails;
mod outage;
mod safe_sign_up;
mod settings;
mod setup;
mod sign_up;
mod verify_email;
