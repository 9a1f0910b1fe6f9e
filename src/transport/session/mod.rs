//! [`SessionCookies`]: the cookies of a session in a browser.

mod builder;
mod cookies;
mod double_submit;
#[cfg(feature = "routes")]
mod for_routes;
mod names;
mod same_site;
#[cfg(feature = "routes")]
mod set;
mod template;

pub use builder::SessionCookiesBuilder;
pub use cookies::SessionCookies;
#[cfg(feature = "routes")]
pub(crate) use for_routes::NewCookies;
pub use same_site::SameSite;
