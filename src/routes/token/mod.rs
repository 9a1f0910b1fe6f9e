//! Routes that log in, refresh, verify and log out.

mod builder;
mod handlers;
mod response;
mod settings;
mod token_routes;

pub use builder::TokenRoutesBuilder;
pub use token_routes::TokenRoutes;
