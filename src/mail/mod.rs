//! Mail as a port: an application sends the [`Message`]s of the [account routes](crate::accounts) by
//! its own [`Mailer`].
//!
//! A message has the facts of a mail, not its words: the [kind](MessageKind), the address, and the
//! token or link. The application chooses the words, the language and the mail library. With
//! [`lettre`](https://docs.rs/lettre), for example:
//!
//! ```
//! # // A stand-in, so that this example compiles without the library.
//! # mod lettre {
//! #     use std::{fmt::Error, marker::PhantomData};
//! #     pub struct Tokio1Executor;
//! #     pub struct AsyncSmtpTransport<E>(pub PhantomData<E>);
//! #     pub trait AsyncTransport { async fn send(&self, mail: Message) -> Result<(), Error>; }
//! #     impl AsyncTransport for AsyncSmtpTransport<Tokio1Executor> {
//! #         async fn send(&self, _: Message) -> Result<(), Error> { Ok(()) }
//! #     }
//! #     pub struct Message;
//! #     impl Message { pub fn builder() -> Self { Self } }
//! #     impl Message {
//! #         pub fn from(self, _: String) -> Self { self }
//! #         pub fn to(self, _: String) -> Self { self }
//! #         pub fn subject(self, _: &str) -> Self { self }
//! #         pub fn body(self, _: String) -> Result<Self, Error> { Ok(self) }
//! #     }
//! # }
//! use std::error::Error;
//!
//! use lettre::{AsyncSmtpTransport, AsyncTransport, Tokio1Executor};
//! use tower_jwt_auth::mail::{MailError, Mailer, Message, MessageKind};
//!
//! struct Smtp(AsyncSmtpTransport<Tokio1Executor>);
//!
//! impl Smtp {
//!     async fn deliver(&self, message: &Message) -> Result<(), Box<dyn Error + Send + Sync>> {
//!         let link = message.link().unwrap_or_default();
//!         let (subject, body) = match message.kind() {
//!             MessageKind::VerifyEmail => ("Confirm your address", format!("Follow {link}")),
//!             MessageKind::ResetPassword => ("A new password", format!("Choose one at {link}")),
//!             MessageKind::AccountExists => ("You have an account", "Just log in.".to_owned()),
//!             MessageKind::UsernameTaken => ("Sign-up", "Please choose another name.".to_owned()),
//!             // Tell users what has changed, so that they notice what somebody else did.
//!             other => ("Your account", format!("What happened: {}.", other.as_str())),
//!         };
//!         let mail = lettre::Message::builder()
//!             .from("Example <accounts@app.example>".parse()?)
//!             .to(message.to().parse()?)
//!             .subject(subject)
//!             .body(body)?;
//!         self.0.send(mail).await?;
//!         Ok(())
//!     }
//! }
//!
//! impl Mailer for Smtp {
//!     async fn send(&self, message: Message) -> Result<(), MailError> {
//!         self.deliver(&message).await.map_err(MailError::new)
//!     }
//! }
//! ```
//!
//! # When messages are sent
//!
//! A route decides its response, and sends the message in a background task. So the time of the
//! response does not depend on the mail server, and does not reveal whether a mail was sent. The number
//! of tasks is [bounded](crate::accounts::AccountRoutesBuilder::max_pending_mails): if too many mails
//! are being sent, a request that needs one is rejected with `503`, before anything is stored.
//!
//! A message that fails is not sent again. The failure emits
//! [`MailFailed`](crate::issue::Event::MailFailed) and logs the kind of the message, but no address. The
//! user can ask for another mail. If messages must survive the end of the process, have the `Mailer`
//! write them to a queue in your database.
//!
//! # Secrets
//!
//! A token, or the link that contains it, acts for the user. The `Debug` output of a message has
//! neither. Write them to nothing but the mail.
//!
//! Links are made from the configuration only, never from the `Host` header of a request: otherwise
//! anybody could have mails sent whose links lead to a server of theirs.

mod error;
mod mailer;
mod message;

pub use error::MailError;
pub(crate) use mailer::DynMailer;
pub use mailer::Mailer;
pub use message::{Message, MessageKind};
