//! The account of the user who sends the request.

use std::{error::Error, sync::Arc};

use axum::{extract::Request, response::Response};
#[cfg(feature = "cookie")]
use http::HeaderMap;
use http::StatusCode;
use zeroize::Zeroizing;

#[cfg(feature = "cookie")]
use crate::routes::{are_read, with_cookies};
use crate::{
    error::{AuthError, AuthErrorKind},
    issue::Event,
    routes::{RequestError, RouteError, json_response, no_content},
    token::RegisteredClaims,
    trace::warn,
    user::{Account, AccountBackend, AccountError, FieldProblem, FieldProblems, Fields, login_key},
};

use super::{field_messages::record_problems, sign_up_form::read_name, state::AccountState};

/// Describes the account.
pub(super) async fn show<U, C, R>(
    state: Arc<AccountState<U, C, R>>,
    request: Request,
) -> Result<Response, RouteError>
where
    U: AccountBackend<C, R>,
    C: Send + Sync + 'static,
    R: Send + Sync + 'static,
{
    let claims = RegisteredClaims::from_extensions(request.extensions())?;
    let account = state.active_account(&claims).await?;
    Ok(json_response(StatusCode::OK, &state.described(&account)))
}

/// Changes the user name, and sends mails about another e-mail address.
pub(super) async fn update<U, C, R>(
    state: Arc<AccountState<U, C, R>>,
    request: Request,
) -> Result<Response, RouteError>
where
    U: AccountBackend<C, R>,
    C: Send + Sync + 'static,
    R: Send + Sync + 'static,
{
    let claims = RegisteredClaims::from_extensions(request.extensions())?;
    let client = state.limits.mail.client(&request)?;
    let body = state.bodies.read(request).await?;
    let mut fields = state.bodies.fields(&body)?;
    let username = read_name(&mut fields, "username", false);
    let email = read_name(&mut fields, "email", false);
    let account = state.active_account(&claims).await?;
    let new = NewNames {
        username: username.filter(|name| Some(&**name) != account.username()),
        email: email.filter(|name| Some(&**name) != account.email()),
    };
    let account = match &new.email {
        Some(email) => {
            let attempt = state.limits.mail.count(client, email).await?;
            attempt.conclude(state.rename(account, &claims, &new, fields).await).await?
        }
        None => state.rename(account, &claims, &new, fields).await?,
    };
    Ok(json_response(StatusCode::OK, &state.described(&account)))
}

/// Deletes the account and ends its sessions.
pub(super) async fn delete<U, C, R>(
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
    #[cfg(feature = "cookie")]
    let headers = request.headers().clone();
    let body = state.bodies.read(request).await?;
    let mut fields = state.bodies.fields(&body)?;
    let password = fields.required_string("password").map(Zeroizing::new);
    let confirmed = match &password {
        Some(password) => {
            let account = state.active_account(&claims).await?;
            state.confirm(client, &account, ("password", password), &mut fields).await?
        }
        None => None,
    };
    let Some(account) = confirmed else {
        return Err(RequestError::invalid_fields(fields.errors()).into());
    };
    // No failure leaves other sessions of a deleted account. This one stays until the end, so that the
    // user can send the request again.
    state.end_sessions(&account, claims.session_id()).await?;
    state.users.delete(account.id()).await.map_err(AuthError::from)?;
    #[cfg(feature = "totp")]
    state.forget_secret(account.id()).await;
    if let Err(error) = state.end_sessions(&account, None).await {
        warn!(
            error = &error as &dyn Error,
            "the session that deleted an account may last until its access token expires"
        );
    }
    state.issuer.emit(&Event::AccountDeleted { user_id: account.id().as_str() });
    #[cfg(feature = "cookie")]
    return Ok(state.without_cookies(no_content(), &headers));
    #[cfg(not(feature = "cookie"))]
    Ok(no_content())
}

/// The names that an account does not have yet.
struct NewNames {
    username: Option<String>,
    email: Option<String>,
}

impl<U, C, R> AccountState<U, C, R>
where
    U: AccountBackend<C, R>,
    C: Send + Sync + 'static,
    R: Send + Sync + 'static,
{
    /// Returns the changed account. If one name has a problem, nothing is changed and no mail is sent.
    async fn rename(
        &self,
        account: Account<U::Extra>,
        claims: &RegisteredClaims,
        new: &NewNames,
        mut fields: Fields,
    ) -> Result<Account<U::Extra>, RouteError> {
        let (username, email) = (new.username.as_deref(), new.email.as_deref());
        let start = match email {
            Some(_) => Some((self.mail.reserve()?, self.issuer.start_login().await?)),
            None => None,
        };
        let problems = self.problems_of(&account, new).await?;
        let is_taken = problems.email == Some(FieldProblem::Taken);
        let hides_email = is_taken && self.sign_up.enumeration_safe;
        let visible = FieldProblems { email: problems.email.filter(|_| !hides_email), ..problems };
        record_problems(&mut fields, visible, true);
        if !fields.errors().is_empty() {
            return Err(RequestError::invalid_fields(fields.errors()).into());
        }
        let mails = match (start, email) {
            (Some((slot, start)), Some(email)) => {
                let from = (&account, claims.session_id());
                Some((slot, self.email_change(start, from, email, is_taken).await?))
            }
            _ => None,
        };
        let account = match username {
            Some(username) => self.set_username(&account, username, fields).await?,
            None => account,
        };
        if let Some((slot, messages)) = mails {
            slot.send(&self.issuer, messages);
        }
        Ok(account)
    }

    /// The problems of new names of `account`.
    async fn problems_of(
        &self,
        account: &Account<U::Extra>,
        new: &NewNames,
    ) -> Result<FieldProblems, RouteError> {
        let (username, email) = (new.username.as_deref(), new.email.as_deref());
        let mut problems =
            self.users.name_problems(username, email).await.map_err(AuthError::from)?;
        let own = [account.username(), account.email()].map(|name| name.map(login_key));
        for (name, problem) in [(username, &mut problems.username), (email, &mut problems.email)] {
            let is_own = name.is_some_and(|name| own.contains(&Some(login_key(name))));
            if name.is_none() || is_own && *problem == Some(FieldProblem::Taken) {
                *problem = None;
            }
        }
        // Whether such a name is taken would reveal whether an account has the address.
        let is_address = username.is_some_and(|name| {
            login_key(name).contains('@') && !own.contains(&Some(login_key(name)))
        });
        if self.sign_up.enumeration_safe && is_address {
            problems.username = Some(FieldProblem::Invalid);
        }
        Ok(problems)
    }

    async fn set_username(
        &self,
        account: &Account<U::Extra>,
        username: &str,
        mut fields: Fields,
    ) -> Result<Account<U::Extra>, RouteError> {
        match self.users.set_username(account.id(), username).await {
            Ok(account) => Ok(account.ok_or(AuthErrorKind::UserInactive)?),
            Err(AccountError::Rejected(problems)) => {
                record_problems(&mut fields, problems, true);
                Err(RequestError::invalid_fields(fields.errors()).into())
            }
            Err(AccountError::Backend(error)) => Err(AuthError::from(error).into()),
        }
    }

    /// Deletes the cookies of a browser.
    #[cfg(feature = "cookie")]
    fn without_cookies(&self, response: Response, headers: &HeaderMap) -> Response {
        match &self.cookies {
            Some(cookies) if are_read(headers) => with_cookies(response, cookies.clear()),
            _ => response,
        }
    }
}
