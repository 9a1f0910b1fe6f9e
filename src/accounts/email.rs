//! Requests for another e-mail address. It replaces the old one when it is confirmed, see
//! [`verify_email`](super::verify_email).

use crate::{
    error::AuthError,
    issue::LoginStart,
    mail::{Message, MessageKind},
    routes::RouteError,
    user::{Account, AccountBackend},
};

use super::{
    account_token::{Purpose, Recipient, Verification},
    state::AccountState,
};

impl<U, C, R> AccountState<U, C, R>
where
    U: AccountBackend<C, R>,
    C: Send + Sync + 'static,
    R: Send + Sync + 'static,
{
    /// The mails about the request of `account` for the address `new`: to the new address, with a
    /// token, and to the old one.
    ///
    /// If `is_taken`, the owner of the address gets a mail without a token instead. The work is the
    /// same.
    pub(super) async fn email_change(
        &self,
        start: LoginStart,
        (account, session_id): (&Account<U::Extra>, Option<&str>),
        new: &str,
        is_taken: bool,
    ) -> Result<Vec<Message>, RouteError> {
        let facts = Verification {
            email: new.into(),
            replaces_in: Some(account.generation().into()),
            replaces: account.email().map(Into::into),
        };
        let purpose = Purpose::VerifyEmail;
        let owner = if self.sign_up.enumeration_safe {
            self.users.account_by_email(new).await.map_err(AuthError::from)?
        } else {
            None
        };
        let mut messages = Vec::with_capacity(2);
        if is_taken {
            self.tokens.message_for_nobody(&self.issuer, start, purpose, new, &facts)?;
            let owner = owner.as_ref().and_then(|owner| Some((owner.email()?, owner.username())));
            if let Some((email, username)) = owner {
                let message = Message::new(MessageKind::AccountExists, email);
                messages.push(message.with_username(username));
            }
        } else {
            let recipient = Recipient { user_id: account.id(), session_id, to: new };
            let message = self.tokens.message(&self.issuer, start, purpose, recipient, &facts)?;
            messages.push(message.with_username(account.username()));
        }
        if let Some(old) = account.email() {
            let message = Message::new(MessageKind::EmailChangeRequested, old);
            messages.push(message.with_username(account.username()));
        }
        Ok(messages)
    }
}
