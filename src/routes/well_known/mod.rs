//! What other services need to verify our tokens.

mod builder;
mod conditional;
#[cfg(feature = "openapi")]
mod described;
mod endpoint;
mod metadata;
mod protected_resource;
mod well_known_routes;

pub use builder::WellKnownRoutesBuilder;
pub use well_known_routes::WellKnownRoutes;
