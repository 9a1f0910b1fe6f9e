//! Mail as a port: the application sends the [`Message`]s of the
//! [account routes](crate::accounts) by its own [`Mailer`].
//!
//! A message has the facts of a mail, not its words: the [kind](MessageKind), the address, and the
//! token or link. The application chooses the words, the language and the mail library.
//!
//! ```
//! use tower_jwt_auth::mail::{MailError, Mailer, Message, MessageKind};
//!
//! struct Smtp;
//! # impl Smtp { async fn send(&self, _: &str, _: &str, _: String) -> Result<(), std::fmt::Error> { Ok(()) } }
//!
//! impl Mailer for Smtp {
//!     async fn send(&self, message: Message) -> Result<(), MailError> {
//!         let link = message.link().unwrap_or_default();
//!         let (subject, body) = match message.kind() {
//!             MessageKind::VerifyEmail => ("Welcome", format!("Confirm your address: {link}")),
//!             MessageKind::AccountExists => ("You have an account", "Just log in.".to_owned()),
//!             _ => return Ok(()),
//!         };
//!         self.send(message.to(), subject, body).await.map_err(MailError::new)
//!     }
//! }
//! ```

mod error;
mod mailer;
mod message;

pub use error::MailError;
pub(crate) use mailer::DynMailer;
pub use mailer::Mailer;
pub use message::{Message, MessageKind};
