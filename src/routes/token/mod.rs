//! Routes that log in, refresh, verify and log out.

mod builder;
#[cfg(feature = "openapi")]
mod described;
mod handlers;
mod password_grant;
mod response;
mod settings;
mod token_routes;

pub use builder::TokenRoutesBuilder;
pub use token_routes::TokenRoutes;
