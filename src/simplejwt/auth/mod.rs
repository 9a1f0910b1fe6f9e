//! Protected routes: a layer, and what handlers take of it.

mod extract;
mod header;
mod layer;
mod simple_jwt;
mod token_class;
mod token_user;

pub(super) use header::HeaderSource;
pub use layer::SimpleJwtLayer;
pub use service::SimpleJwtAuth;
pub use token_user::TokenUser;
