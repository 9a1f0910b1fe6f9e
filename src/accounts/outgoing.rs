//! Sending mails in background tasks, so that the time of a response does not depend on them.

use std::{fmt, panic::AssertUnwindSafe, sync::Arc, time::Duration};

use futures::FutureExt;
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time::timeout,
};

use crate::{
    error::{AuthError, AuthErrorKind, ConfigError},
    issue::{Event, Issuer},
    mail::{DynMailer, MailError, Mailer, Message, MessageKind},
    trace::warn,
};

const MAX_TASKS: usize = 65_536;
const MAX_TIMEOUT: Duration = Duration::from_secs(600);

/// The mailer, and how many tasks may use it at once.
pub(super) struct Outgoing {
    mailer: Arc<dyn DynMailer>,
    max_tasks: usize,
    tasks: Arc<Semaphore>,
    /// How long a task waits for the mailer, for each message.
    timeout: Duration,
}

/// A place for a task that sends mails. It is reserved before anything is stored if the change must
/// not be made without its mail.
#[must_use]
pub(super) struct MailSlot {
    mailer: Arc<dyn DynMailer>,
    permit: OwnedSemaphorePermit,
    timeout: Duration,
}

impl Outgoing {
    pub(super) fn new(mailer: impl Mailer) -> Self {
        let (max_tasks, timeout) = (256, Duration::from_secs(60));
        let tasks = Arc::new(Semaphore::new(max_tasks));
        Self { mailer: Arc::new(mailer), max_tasks, tasks, timeout }
    }

    pub(super) fn set_max_tasks(&mut self, max_tasks: usize) {
        self.max_tasks = max_tasks;
        self.tasks = Arc::new(Semaphore::new(max_tasks.min(MAX_TASKS)));
    }

    pub(super) const fn set_timeout(&mut self, timeout: Duration) {
        self.timeout = timeout;
    }

    pub(super) fn check(&self) -> Result<(), ConfigError> {
        if !(1..=MAX_TASKS).contains(&self.max_tasks) {
            return Err(ConfigError::out_of_range("`max_pending_mails` must be 1 to 65536"));
        }
        if self.timeout.is_zero() || self.timeout > MAX_TIMEOUT {
            return Err(ConfigError::out_of_range(
                "`mail_timeout` must be greater than zero and at most 600 seconds",
            ));
        }
        Ok(())
    }

    /// Fails with `503` if too many mails are being sent.
    pub(super) fn reserve(&self) -> Result<MailSlot, AuthError> {
        let permit = Arc::clone(&self.tasks).try_acquire_owned();
        let permit = permit.map_err(|_| AuthErrorKind::Overloaded)?;
        Ok(MailSlot { mailer: Arc::clone(&self.mailer), permit, timeout: self.timeout })
    }
}

impl MailSlot {
    /// Sends the messages one after the other, in a task. Failures are reported to the listeners of
    /// `issuer`.
    pub(super) fn send<C, R>(
        self,
        issuer: &Issuer<C, R>,
        messages: impl IntoIterator<Item = Message, IntoIter: Send + 'static>,
    ) where
        C: Send + Sync + 'static,
        R: Send + Sync + 'static,
    {
        let (messages, issuer) = (messages.into_iter(), issuer.clone());
        tokio::spawn(async move {
            let Self { mailer, permit: _permit, timeout: limit } = self;
            for message in messages {
                let kind = message.kind();
                // A panic loses this message, and not the next one.
                let sent = AssertUnwindSafe(async { mailer.send(message).await }).catch_unwind();
                let outcome = match timeout(limit, sent).await {
                    Ok(Ok(outcome)) => outcome,
                    Ok(Err(_)) => Err(MailError::new("the mailer has panicked")),
                    Err(late) => Err(MailError::new(late)),
                };
                if let Err(error) = outcome {
                    report(&issuer, kind, &error);
                }
            }
        });
    }
}

/// Sends a message whose request must succeed in any case. Without a slot it is lost.
pub(super) fn send_if_free<C, R>(
    slot: Result<MailSlot, AuthError>,
    issuer: &Issuer<C, R>,
    message: Message,
) where
    C: Send + Sync + 'static,
    R: Send + Sync + 'static,
{
    match slot {
        Ok(slot) => slot.send(issuer, [message]),
        Err(error) => report(issuer, message.kind(), &MailError::new(error)),
    }
}

fn report<C, R>(issuer: &Issuer<C, R>, kind: MessageKind, error: &MailError) {
    // Its source may contain the address.
    warn!(kind = kind.as_str(), "a mail could not be sent");
    issuer.emit(&Event::MailFailed { kind, error });
}

impl fmt::Debug for Outgoing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Outgoing")
            .field("free", &self.tasks.available_permits())
            .finish_non_exhaustive()
    }
}
