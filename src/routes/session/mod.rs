//! Routes for browsers: sessions in cookies.

mod builder;
#[cfg(feature = "openapi")]
mod described;
mod handlers;
mod router;
mod set_cookies;
mod state;

pub use builder::SessionRoutesBuilder;
pub use router::SessionRoutes;
pub use set_cookies::SetCookies;
