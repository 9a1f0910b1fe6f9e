use std::future::Future;

use futures::future::BoxFuture;

use super::{error::MailError, message::Message};

/// Sends the mails of an application. See the [module docs](super).
pub trait Mailer: Send + Sync + 'static {
    /// Sends a message.
    ///
    /// It is called in a background task, after the response of the route was decided. For mails that
    /// must survive the end of the process, write the message to a queue here, and send it from there.
    ///
    /// # Errors
    ///
    /// [`MailError`] if the message was not sent. It is not sent again.
    fn send(&self, message: Message) -> impl Future<Output = Result<(), MailError>> + Send;
}

/// [`Mailer`] without its type.
pub(crate) trait DynMailer: Send + Sync {
    fn send(&self, message: Message) -> BoxFuture<'_, Result<(), MailError>>;
}

impl<M: Mailer> DynMailer for M {
    fn send(&self, message: Message) -> BoxFuture<'_, Result<(), MailError>> {
        Box::pin(Mailer::send(self, message))
    }
}
