//! Passwords of users who are logged in.

use std::{error::Error, sync::Arc, time::Duration};

use aws_lc_rs::digest;
use axum::{extract::Request, response::Response};
use base64_simd::URL_SAFE_NO_PAD;
use serde_json::Map;
use tokio::time::sleep;
use zeroize::Zeroizing;

use crate::{
    error::AuthError,
    issue::Event,
    mail::MessageKind,
    password::UserAttributes,
    routes::{RequestError, RouteError, no_content},
    token::RegisteredClaims,
    trace::warn,
    user::{Account, AccountBackend, AccountError, FieldProblems, Fields},
};

use super::{
    field_messages::record_problem, limit::Client, new_password::check_password,
    state::AccountState,
};

/// For how long a change of the password is remembered as the first one of its generation.
const REMEMBER: Duration = Duration::from_secs(60);
/// How long other changes wait until the first one has ended their sessions.
const WAIT: Duration = Duration::from_millis(300);

/// The response to a password that is not that of the user.
const WRONG: &str = "The password is incorrect.";

/// Changes the password. The other sessions of the user end, this one goes on.
pub(super) async fn change<U, C, R>(
    state: Arc<AccountState<U, C, R>>,
    request: Request,
) -> Result<Response, RouteError>
where
    U: AccountBackend<C, R>,
    C: Send + Sync + 'static,
    R: Send + Sync + 'static,
{
    let claims = RegisteredClaims::from_extensions(request.extensions())?;
    let client = state.limits.password.client(&request)?;
    let body = state.bodies.read(request).await?;
    let mut fields = state.bodies.fields(&body)?;
    let current = fields.required_string("current").map(Zeroizing::new);
    let new = fields.required_string("new").map(Zeroizing::new);
    let account = state.active_account(&claims).await?;
    let confirmed = match &current {
        Some(current) => state.confirm(client, &account, ("current", current), &mut fields).await?,
        None => None,
    };
    if let Some(new) = &new {
        check_password(&state.rules, ("new", new), &attributes(&account), &mut fields).await?;
    }
    let (Some(account), Some(new), true) = (confirmed, new, fields.errors().is_empty()) else {
        return Err(RequestError::invalid_fields(fields.errors()).into());
    };
    state.wait_for_others(&claims, &account).await?;
    let changed = state.replace_password(&account, ("new", &new), claims.session_id()).await?;
    if !changed {
        // Another request has replaced it after it was checked.
        fields.error("current", WRONG);
        return Err(RequestError::invalid_fields(fields.errors()).into());
    }
    Ok(no_content())
}

/// What a new password must not be similar to.
pub(super) fn attributes<X>(account: &Account<X>) -> UserAttributes {
    UserAttributes::new()
        .with_username(account.username().unwrap_or_default())
        .with_email(account.email().unwrap_or_default())
}

fn rejected_password(name: &str, problems: FieldProblems) -> RouteError {
    let mut fields = Fields::new(Map::new());
    record_problem(&mut fields, name, problems.password);
    RequestError::invalid_fields(fields.errors()).into()
}

impl<U, C, R> AccountState<U, C, R>
where
    U: AccountBackend<C, R>,
    C: Send + Sync + 'static,
    R: Send + Sync + 'static,
{
    /// The account, read again, if `password` is its password. Otherwise records an error in the field
    /// `name`. Each attempt counts, until one succeeds.
    pub(super) async fn confirm(
        &self,
        client: Client,
        account: &Account<U::Extra>,
        (name, password): (&str, &str),
        fields: &mut Fields,
    ) -> Result<Option<Account<U::Extra>>, RouteError> {
        let attempt = self.limits.password.count_user(client, account.id()).await?;
        let verified = self.users.verify_password(account.id(), password).await;
        let verified = verified.map_err(|error| AuthError::from(error).into());
        if let Ok(Some(account)) = verified {
            attempt.succeeded().await;
            return Ok(Some(account));
        }
        attempt.conclude(verified.map(drop)).await?;
        fields.error(name, WRONG);
        Ok(None)
    }

    /// Of several sessions that change the password at once, the first one continues, and the others
    /// fail here, before they would end the session of the first one.
    async fn wait_for_others(
        &self,
        claims: &RegisteredClaims,
        account: &Account<U::Extra>,
    ) -> Result<(), AuthError> {
        let mut hash = digest::Context::new(&digest::SHA256);
        hash.update(account.id().as_str().as_bytes());
        hash.update(b"\0");
        hash.update(account.generation().as_bytes());
        let id = URL_SAFE_NO_PAD.encode_to_string(hash.finish());
        let id = format!("password:{id}");
        if !self.issuer.is_first(&id, account.id(), REMEMBER).await? {
            // The first one ends this session now, unless it has failed or belongs to this session.
            sleep(WAIT).await;
            self.issuer.check_not_revoked(claims).await?;
        }
        Ok(())
    }

    /// Sets the password of `account` and ends its sessions, except `session_id`. Returns `false`, and
    /// leaves the password, if its generation has changed.
    ///
    /// The sessions end before the change, so that no failure can leave them behind a new password, and
    /// after it, because somebody may have logged in with the old one in between. If that fails, such a
    /// session cannot be refreshed, because the generation has changed.
    pub(super) async fn replace_password(
        &self,
        account: &Account<U::Extra>,
        (name, password): (&str, &str),
        session_id: Option<&str>,
    ) -> Result<bool, RouteError> {
        self.end_sessions(account, session_id).await?;
        match self.users.set_password(account, password, session_id).await {
            Ok(Some(_)) => {}
            Ok(None) => return Ok(false),
            Err(AccountError::Rejected(problems)) => {
                return Err(rejected_password(name, problems));
            }
            Err(AccountError::Backend(error)) => return Err(AuthError::from(error).into()),
        }
        if let Err(error) = self.end_sessions(account, session_id).await {
            warn!(
                error = &error as &dyn Error,
                "a login during a change of the password may last until its access token expires"
            );
        }
        self.issuer.emit(&Event::PasswordChanged { user_id: account.id().as_str() });
        self.notify(account, MessageKind::PasswordChanged);
        Ok(true)
    }

    /// Ends the sessions of `account`, except `session_id`.
    pub(super) async fn end_sessions(
        &self,
        account: &Account<U::Extra>,
        except: Option<&str>,
    ) -> Result<(), AuthError> {
        match except {
            Some(session_id) => self.issuer.revoke_other_sessions(account.id(), session_id).await,
            None => self.issuer.revoke_user(account.id()).await,
        }
    }
}
