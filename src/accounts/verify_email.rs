//! Confirming e-mail addresses.

use std::sync::Arc;

use axum::{extract::Request, response::Response};
use http::StatusCode;
use serde_json::json;

use crate::{
    error::AuthError,
    issue::{Event, LoginStart},
    mail::{Message, MessageKind},
    routes::{RequestError, RequestErrorKind, RouteError, json_response, no_content},
    token::{Claims, UserId},
    user::{Account, AccountBackend, AccountError, FieldProblem, FieldProblems, Fields, login_key},
};

use super::{
    account_token::{Purpose, Recipient, Verification, check_token, use_token, verify_token},
    field_messages::record_problems,
    outgoing::send_if_free,
    sign_up_form::MAX_NAME_CHARS,
    state::AccountState,
};

/// The body of every request for another mail.
const ACCEPTED: &str = "If the address must be confirmed, a mail was sent to it.";

/// Marks the address in a token as verified, or gives it to the account.
pub(super) async fn verify<U, C, R>(
    state: Arc<AccountState<U, C, R>>,
    request: Request,
) -> Result<Response, RouteError>
where
    U: AccountBackend<C, R>,
    C: Send + Sync + 'static,
    R: Send + Sync + 'static,
{
    state.check_site(&request)?;
    let token = state.bodies.string(request, "token").await?;
    let claims: Claims<Verification> = verify_token(&state.issuer, Purpose::VerifyEmail, &token)?;
    let account = state.users.account(claims.user_id()).await.map_err(AuthError::from)?;
    let account = account.ok_or(RequestErrorKind::InvalidToken)?;
    match &claims.replaces_in {
        Some(generation) => state.replace_email(&account, generation, &claims).await?,
        None => state.mark_verified(&account, &claims).await?,
    }
    state.issuer.emit(&Event::EmailVerified { user_id: account.id().as_str() });
    Ok(no_content())
}

/// Sends another mail to an address that is not verified yet.
pub(super) async fn resend<U, C, R>(
    state: Arc<AccountState<U, C, R>>,
    request: Request,
) -> Result<Response, RouteError>
where
    U: AccountBackend<C, R>,
    C: Send + Sync + 'static,
    R: Send + Sync + 'static,
{
    state.check_site(&request)?;
    let client = state.limits.mail.client(&request)?;
    let email = state.bodies.string(request, "email").await?;
    let attempt = state.limits.mail.count(client, &email).await?;
    attempt.conclude(state.resend_to(&email).await).await?;
    Ok(json_response(StatusCode::ACCEPTED, &json!({ "detail": ACCEPTED })))
}

impl<U, C, R> AccountState<U, C, R>
where
    U: AccountBackend<C, R>,
    C: Send + Sync + 'static,
    R: Send + Sync + 'static,
{
    /// A message with a token that verifies the address of `account`.
    pub(super) fn verification(
        &self,
        start: LoginStart,
        account: &Account<U::Extra>,
        email: &str,
    ) -> Result<Message, AuthError> {
        let facts = Verification { email: email.into(), replaces_in: None, replaces: None };
        let recipient = Recipient { user_id: account.id(), session_id: None, to: email };
        let message =
            self.tokens.message(&self.issuer, start, Purpose::VerifyEmail, recipient, &facts)?;
        Ok(message.with_username(account.username()))
    }

    /// The work of [`verification`](Self::verification), for nobody.
    pub(super) fn work_for_nobody(&self, start: LoginStart, email: &str) -> Result<(), AuthError> {
        // As long as an address can be, or the token would be too long.
        let email: String = email.chars().take(MAX_NAME_CHARS).collect();
        let facts =
            Verification { email: email.as_str().into(), replaces_in: None, replaces: None };
        self.tokens.message_for_nobody(&self.issuer, start, Purpose::VerifyEmail, &email, &facts)
    }

    async fn mark_verified(
        &self,
        account: &Account<U::Extra>,
        claims: &Claims<Verification>,
    ) -> Result<(), RouteError> {
        let is_current =
            account.email().is_some_and(|email| login_key(email) == login_key(&claims.email));
        if !is_current {
            return Err(RequestErrorKind::InvalidToken.into());
        }
        // The token is used last, so that no failure uses it up without effect.
        check_token(&self.issuer, claims).await?;
        let marked = self.users.mark_verified(account.id(), &claims.email).await;
        marked.map_err(AuthError::from)?.ok_or(RequestErrorKind::InvalidToken)?;
        use_token(&self.issuer, claims).await
    }

    /// Gives an account the address in a token. The old address learns of it.
    async fn replace_email(
        &self,
        account: &Account<U::Extra>,
        generation: &str,
        claims: &Claims<Verification>,
    ) -> Result<(), RouteError> {
        let replaced = claims.replaces.as_deref().map(login_key);
        if account.generation() != generation || account.email().map(login_key) != replaced {
            return Err(RequestErrorKind::InvalidToken.into());
        }
        let slot = self.mail.reserve()?;
        if self.is_taken(&claims.email, account.id()).await? {
            let email = Some(FieldProblem::Taken);
            return Err(rejected(FieldProblems { email, ..FieldProblems::default() }));
        }
        use_token(&self.issuer, claims).await?;
        match self.users.set_email(account.id(), &claims.email, true).await {
            Ok(Some(_)) => {}
            Ok(None) => return Err(RequestErrorKind::InvalidToken.into()),
            Err(AccountError::Rejected(problems)) => return Err(rejected(problems)),
            Err(AccountError::Backend(error)) => return Err(AuthError::from(error).into()),
        }
        let old = account.email().filter(|old| login_key(old) != login_key(&claims.email));
        if let Some(old) = old {
            let message = Message::new(MessageKind::EmailChanged, old);
            slot.send(&self.issuer, [message.with_username(account.username())]);
        }
        Ok(())
    }

    /// Whether an account other than `own` has this address, or has it as its user name.
    async fn is_taken(&self, email: &str, own: &UserId) -> Result<bool, AuthError> {
        let others = [
            self.users.account_by_email(email).await?,
            self.users.account_by_username(email).await?,
        ];
        Ok(others.iter().flatten().any(|other| other.id() != own))
    }

    /// Sends a mail if the address is that of an account and not verified. The work before is the
    /// same in each case.
    async fn resend_to(&self, email: &str) -> Result<(), RouteError> {
        let slot = self.mail.reserve();
        let start = self.issuer.start_login().await?;
        let account = self.users.account_by_email(email).await.map_err(AuthError::from)?;
        let account = account.filter(|account| account.is_active() && !account.is_verified());
        // The account's spelling of the address counts: another one may be another mailbox.
        match account.as_ref().and_then(|account| Some((account, account.email()?))) {
            Some((account, to)) => {
                let message = self.verification(start, account, to)?;
                send_if_free(slot, &self.issuer, message);
            }
            None => self.work_for_nobody(start, email)?,
        }
        Ok(())
    }
}

fn rejected(problems: FieldProblems) -> RouteError {
    let mut fields = Fields::new(serde_json::Map::new());
    record_problems(&mut fields, problems, true);
    RequestError::invalid_fields(fields.errors()).into()
}
