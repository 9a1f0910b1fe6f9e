//! The single-use tokens in mails.
//!
//! A token carries what it stands for. It is verified first, without using it, so that a request that
//! fails for another reason leaves it usable. It is used right before the change that it allows, and
//! of many requests at once, one can use it.

use std::time::Duration;

use serde::{Deserialize, Serialize, de::DeserializeOwned};

use crate::{
    error::{AuthError, ConfigError},
    issue::{Issuer, LoginStart},
    mail::{Message, MessageKind},
    routes::{RequestErrorKind, RouteError},
    token::{Claims, TokenType, UserId},
};

use super::link::Link;

/// The user of tokens that are made and thrown away, so that a request about an unknown address costs
/// as much as one about a known address.
const NOBODY: &str = "00000000-0000-7000-8000-000000000000";

/// What a token in a mail is for.
#[derive(Clone, Copy, Debug)]
pub(super) enum Purpose {
    VerifyEmail,
    ResetPassword,
}

/// What a token with [`Purpose::VerifyEmail`] carries.
#[derive(Serialize, Deserialize)]
pub(super) struct Verification {
    pub(super) email: Box<str>,
    /// The generation of the account, if the address is to replace another one. A new password makes
    /// the token worthless then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) replaces_in: Option<Box<str>>,
    /// The address that it is to replace. Once the account has another one, an older request must not
    /// undo that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) replaces: Option<Box<str>>,
}

/// What a token with [`Purpose::ResetPassword`] carries. It is worthless once one of them has changed.
#[derive(Serialize, Deserialize)]
pub(super) struct Reset {
    pub(super) generation: Box<str>,
    pub(super) email: Box<str>,
}

/// Who gets a token.
#[derive(Clone, Copy)]
pub(super) struct Recipient<'a> {
    pub(super) user_id: &'a UserId,
    /// The session that asked for the token, if the token ends with it.
    pub(super) session_id: Option<&'a str>,
    pub(super) to: &'a str,
}

/// How the tokens of one purpose are made.
#[derive(Clone, Debug)]
pub(super) struct TokenTerms {
    pub(super) lifetime: Duration,
    pub(super) link: Option<Link>,
}

/// How the tokens of each purpose are made.
#[derive(Clone, Debug)]
pub(super) struct AccountTokens {
    pub(super) verify_email: TokenTerms,
    pub(super) reset_password: TokenTerms,
}

impl Default for AccountTokens {
    fn default() -> Self {
        const HOUR: Duration = Duration::from_secs(60 * 60);
        Self {
            verify_email: TokenTerms { lifetime: 3 * 24 * HOUR, link: None },
            reset_password: TokenTerms { lifetime: HOUR, link: None },
        }
    }
}

impl Purpose {
    const ALL: &[Self] = &[Self::VerifyEmail, Self::ResetPassword];

    fn token_type(self) -> TokenType {
        TokenType::from(self.kind().as_str())
    }

    const fn kind(self) -> MessageKind {
        match self {
            Self::VerifyEmail => MessageKind::VerifyEmail,
            Self::ResetPassword => MessageKind::ResetPassword,
        }
    }
}

impl AccountTokens {
    const fn terms(&self, purpose: Purpose) -> &TokenTerms {
        match purpose {
            Purpose::VerifyEmail => &self.verify_email,
            Purpose::ResetPassword => &self.reset_password,
        }
    }

    /// Fails if `issuer` does not issue such tokens.
    pub(super) fn check<C, R>(&self, issuer: &Issuer<C, R>) -> Result<(), ConfigError> {
        for purpose in Purpose::ALL {
            let lifetime = self.terms(*purpose).lifetime;
            issuer.check_single_use(&purpose.token_type(), lifetime).map_err(|_| {
                ConfigError::out_of_range(
                    "the lifetime of tokens in mails must be at least one second, and at most the \
                     `session_lifetime` of the issuer and the lifetime that its keys allow",
                )
            })?;
        }
        Ok(())
    }

    /// Makes a message with a token for `recipient`. `start` was read before the facts of the account, so
    /// that a later revocation of the user revokes the token.
    pub(super) fn message<C, R>(
        &self,
        issuer: &Issuer<C, R>,
        start: LoginStart,
        purpose: Purpose,
        recipient: Recipient<'_>,
        facts: &impl Serialize,
    ) -> Result<Message, AuthError> {
        let TokenTerms { lifetime, link } = self.terms(purpose);
        let token_type = purpose.token_type();
        let Recipient { user_id, session_id, to } = recipient;
        let bound_to = (user_id, session_id);
        let token = issuer.single_use_since(start, &token_type, *lifetime, bound_to, facts)?;
        let link = link.as_ref().map(|link| link.with_token(&token));
        Ok(Message::new(purpose.kind(), to).with_token(token).with_link(link))
    }

    /// Does the work of [`message`](Self::message) for nobody.
    pub(super) fn message_for_nobody<C, R>(
        &self,
        issuer: &Issuer<C, R>,
        start: LoginStart,
        purpose: Purpose,
        to: &str,
        facts: &impl Serialize,
    ) -> Result<(), AuthError> {
        let recipient = Recipient { user_id: &UserId::from(NOBODY), session_id: None, to };
        self.message(issuer, start, purpose, recipient, facts).map(drop)
    }
}

/// Verifies a token from a mail without using it.
pub(super) fn verify_token<T, C, R>(
    issuer: &Issuer<C, R>,
    purpose: Purpose,
    token: &str,
) -> Result<Claims<T>, RouteError>
where
    T: DeserializeOwned + Send + Sync + 'static,
{
    issuer.verify_single_use(&purpose.token_type(), token).map_err(invalid_token)
}

/// Fails if a token was used before, or if its user was revoked, without using it.
pub(super) async fn check_token<T, C, R>(
    issuer: &Issuer<C, R>,
    claims: &Claims<T>,
) -> Result<(), RouteError> {
    issuer.check_not_revoked(claims).await.map_err(invalid_token)
}

/// Uses a token. Fails if it was used before, or if its user was revoked.
pub(super) async fn use_token<T, C, R>(
    issuer: &Issuer<C, R>,
    claims: &Claims<T>,
) -> Result<(), RouteError> {
    issuer.consume(claims).await.map_err(invalid_token)
}

/// The client is not logged in by such a token, so the response is no `401`.
fn invalid_token(error: AuthError) -> RouteError {
    if error.kind().status().is_client_error() {
        return RequestErrorKind::InvalidToken.into();
    }
    error.into()
}
