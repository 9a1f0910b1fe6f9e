use std::{error::Error, fmt};

/// Why a [`Mailer`](super::Mailer) did not send a message.
///
/// Neither `Debug` nor `Display` shows the [source](Error::source), because mail servers repeat
/// addresses in their errors.
pub struct MailError(Box<dyn Error + Send + Sync>);

impl MailError {
    /// The message was not sent because of `source`.
    pub fn new(source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self(source.into())
    }
}

impl fmt::Display for MailError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a mail could not be sent")
    }
}

impl fmt::Debug for MailError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MailError").finish_non_exhaustive()
    }
}

impl Error for MailError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&*self.0)
    }
}
