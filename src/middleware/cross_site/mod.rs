//! [`CrossSiteLayer`] and its service.

mod future;
mod layer;
mod service;

pub use future::CrossSiteFuture;
pub use layer::CrossSiteLayer;
pub use service::CrossSite;
