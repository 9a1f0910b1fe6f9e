//! Logouts that an identity provider reports.

mod builder;
mod handler;
mod routes;

pub use builder::BackChannelLogoutRoutesBuilder;
pub use routes::BackChannelLogoutRoutes;
