//! The account routes.

mod setup;
mod sign_up;
