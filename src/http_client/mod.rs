//! The port to an HTTP client: [`HttpClient`].
//!
//! The [default client](crate::jwks::RemoteKeysBuilder::client) needs no setup. Implement the trait
//! to use a proxy or a private certificate authority.

mod client;
mod dyn_client;
mod tls;

pub use client::HttpClient;
pub(crate) use dyn_client::{DynHttpClient, ResponseError};
pub(crate) use tls::TlsClient;
