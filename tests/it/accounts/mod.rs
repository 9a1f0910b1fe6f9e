//! The account routes.

mod browser;
mod browser_password;
mod counted;
mod crashes;
mod dpop;
mod email_change;
mod enumeration;
mod failing;
mod mails;
mod me;
mod outage;
mod password;
mod reset;
mod safe_sign_up;
mod session;
mod settings;
mod setup;
mod sign_up;
mod totp;
mod verify_email;
