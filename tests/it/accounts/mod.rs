//! The account routes.

mod counted;
mod safe_sign_up;
mod setup;
mod sign_up;
