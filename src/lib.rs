#![forbid(unsafe_code)]
#![doc = "x"]

mod check;
pub mod clock;
pub mod error;
#[cfg(feature = "axum")]
mod extract;
pub mod guard;
pub mod issue;
pub mod middleware;
#[cfg(feature = "password")]
pub mod password;
pub mod rejection;
#[cfg(feature = "routes")]
pub mod routes;
pub mod store;
pub mod token;
mod trace;
pub mod transport;
pub mod user;

pub use clock::{Clock, ManualClock, NumericDate};
pub use error::{AuthError, AuthErrorKind, ConfigError, ConfigErrorKind};
pub use issue::Issuer;
pub use middleware::JwtAuthLayer;
#[cfg(feature = "routes")]
pub use routes::TokenRoutes;
pub use store::MemoryStore;
pub use token::{Algorithm, Claims, KeySet, SigningKey, Verifier, VerifyingKey};
