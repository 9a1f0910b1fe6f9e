//! Keys. Each is bound to one algorithm, and is checked and prepared when it is created.

#[cfg(feature = "ml-dsa")]
mod akp;
mod jwk;
mod jwk_value;
mod key_id;
mod pem;
mod private;
mod public;
mod secret;
mod signing;
mod verifying;

#[cfg(feature = "key-rotation")]
pub(crate) use private::generate as generate_private;
pub use signing::SigningKey;
pub use verifying::VerifyingKey;
