//! Mails without a token, about what has happened.

use crate::{
    mail::{Message, MessageKind},
    user::{Account, AccountBackend},
};

use super::{outgoing::send_if_free, state::AccountState};

impl<U, C, R> AccountState<U, C, R>
where
    U: AccountBackend<C, R>,
    C: Send + Sync + 'static,
    R: Send + Sync + 'static,
{
    /// Sends a mail about a change that was made.
    pub(super) fn notify(&self, account: &Account<U::Extra>, kind: MessageKind) {
        if let Some(to) = account.email() {
            let message = Message::new(kind, to).with_username(account.username());
            send_if_free(self.mail.reserve(), &self.issuer, message);
        }
    }
}
