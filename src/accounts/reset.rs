//! New passwords for users who have forgotten theirs.

use std::sync::Arc;

use axum::{extract::Request, response::Response};
use http::StatusCode;
use serde_json::json;
use zeroize::Zeroizing;

use crate::{
    error::AuthError,
    routes::{RequestError, RequestErrorKind, RouteError, json_response, no_content},
    token::Claims,
    trace::warn,
    user::{Account, AccountBackend, login_key},
};

use super::{
    account_token::{Purpose, Recipient, Reset, verify_token},
    new_password::check_password,
    outgoing::send_if_free,
    password::attributes,
    state::AccountState,
};

/// The body of every request for a mail.
const ACCEPTED: &str = "If there is an account with the address, a mail was sent to it.";

/// Stands for the generation of an account that does not exist.
const NO_GENERATION: &str = "0000000000000000";

/// Sends a mail with a token to the address of an account.
pub(super) async fn request<U, C, R>(
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
    attempt.conclude(state.send_reset(&email).await).await?;
    Ok(json_response(StatusCode::ACCEPTED, &json!({ "detail": ACCEPTED })))
}

/// Sets the password of the account in a token, and ends all its sessions.
pub(super) async fn confirm<U, C, R>(
    state: Arc<AccountState<U, C, R>>,
    request: Request,
) -> Result<Response, RouteError>
where
    U: AccountBackend<C, R>,
    C: Send + Sync + 'static,
    R: Send + Sync + 'static,
{
    state.check_site(&request)?;
    let body = state.bodies.read(request).await?;
    let mut fields = state.bodies.fields(&body)?;
    let token = fields.required_string("token");
    let password = fields.required_string("password").map(Zeroizing::new);
    let (Some(token), Some(password)) = (token, password) else {
        return Err(RequestError::invalid_fields(fields.errors()).into());
    };
    let claims: Claims<Reset> = verify_token(&state.issuer, Purpose::ResetPassword, &token)?;
    let account = state.users.account(claims.user_id()).await.map_err(AuthError::from)?;
    let account = account.filter(|account| is_current(account, &claims));
    let account = account.ok_or(RequestErrorKind::InvalidToken)?;
    let new = ("password", password.as_str());
    check_password(&state.rules, new, &attributes(&account), &mut fields).await?;
    if !fields.errors().is_empty() {
        return Err(RequestError::invalid_fields(fields.errors()).into());
    }
    // The change of the generation uses the token: of many requests at once, one succeeds, and a
    // request that fails leaves the token usable.
    if !state.replace_password(&account, new, None).await? {
        return Err(RequestErrorKind::InvalidToken.into());
    }
    state.finish_reset(&account, &claims.email).await;
    Ok(no_content())
}

/// Whether a token is about the present password and address of `account`.
fn is_current<X>(account: &Account<X>, claims: &Reset) -> bool {
    let has_address =
        account.email().is_some_and(|email| login_key(email) == login_key(&claims.email));
    account.is_active() && has_address && *account.generation() == *claims.generation
}

impl<U, C, R> AccountState<U, C, R>
where
    U: AccountBackend<C, R>,
    C: Send + Sync + 'static,
    R: Send + Sync + 'static,
{
    /// Sends a mail if the address is that of an account. The work before is the same in each case.
    async fn send_reset(&self, email: &str) -> Result<(), RouteError> {
        let slot = self.mail.reserve();
        let start = self.issuer.start_login().await?;
        let account = self.users.account_by_email(email).await.map_err(AuthError::from)?;
        let account = account.filter(Account::is_active);
        // The account's spelling of the address counts: another one may be another mailbox.
        match account.as_ref().and_then(|account| Some((account, account.email()?))) {
            Some((account, to)) => {
                let facts = Reset { generation: account.generation().into(), email: to.into() };
                let recipient = Recipient { user_id: account.id(), session_id: None, to };
                let message = self.tokens.message(
                    &self.issuer,
                    start,
                    Purpose::ResetPassword,
                    recipient,
                    &facts,
                )?;
                let message = message.with_username(account.username());
                send_if_free(slot, &self.issuer, message);
            }
            None => {
                // As long as an address can be, or the token would be too long.
                let to: String = email.chars().take(254).collect();
                let facts = Reset { generation: NO_GENERATION.into(), email: to.as_str().into() };
                let purpose = Purpose::ResetPassword;
                self.tokens.message_for_nobody(&self.issuer, start, purpose, &to, &facts)?;
            }
        }
        Ok(())
    }

    /// What follows a reset. The password is set already, so no failure changes the response.
    ///
    /// The user has received a mail, so the address is verified. Nobody has attempts of others to
    /// suffer from with the new password.
    async fn finish_reset(&self, account: &Account<U::Extra>, email: &str) {
        if !account.is_verified() && self.users.mark_verified(account.id(), email).await.is_err() {
            warn!("an address could not be marked as verified after a reset of the password");
        }
        let names = [account.username(), account.email()].into_iter().flatten();
        self.limits.password.forget(account.id(), names).await;
    }
}
