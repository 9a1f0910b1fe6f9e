//! Token introspection and revocation for other services.

mod builder;
mod form;
mod handlers;
mod oauth_routes;

pub use builder::OAuthRoutesBuilder;
pub use oauth_routes::OAuthRoutes;
