#![forbid(unsafe_code)]
#![doc = "x"]

pub mod clock;
pub mod error;
pub mod store;
pub mod token;
pub mod user;

pub use clock::{Clock, ManualClock, NumericDate};
pub use error::{AuthError, AuthErrorKind, ConfigError, ConfigErrorKind};
pub use token::{Algorithm, Claims, KeySet, SigningKey, Verifier, VerifyingKey};
