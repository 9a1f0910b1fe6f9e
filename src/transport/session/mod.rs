//! [`SessionCookies`]: the cookies of a session in a browser.

mod builder;
mod cookies;
mod double_submit;
mod names;
mod same_site;
mod write;

pub use builder::SessionCookiesBuilder;
pub(crate) use cookies::NewCookies;
pub use cookies::SessionCookies;
pub use same_site::SameSite;
