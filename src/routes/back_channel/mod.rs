//! Logouts that an identity provider reports.

mod builder;
#[cfg(feature = "openapi")]
mod described;
mod handler;
mod routes;

pub use builder::BackChannelLogoutRoutesBuilder;
pub use routes::BackChannelLogoutRoutes;
