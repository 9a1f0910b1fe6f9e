//! Routes for browsers: sessions in cookies.

mod builder;
mod handlers;
mod router;
mod state;

pub use builder::SessionRoutesBuilder;
pub use router::SessionRoutes;
