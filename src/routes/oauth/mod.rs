//! Token introspection and revocation for other services.

mod builder;
#[cfg(feature = "openapi")]
mod described;
mod handlers;
mod oauth_routes;

pub use builder::OAuthRoutesBuilder;
pub use oauth_routes::OAuthRoutes;
