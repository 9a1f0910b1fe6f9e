//! Protected routes: a layer, and the users that handlers extract.

mod authentication;
mod extract;
mod header;
mod layer;
mod service;
mod token_user;

pub(super) use header::HeaderSource;
pub use layer::SimpleJwtLayer;
pub use service::SimpleJwtAuth;
pub use token_user::TokenUser;
