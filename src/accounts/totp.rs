//! Codes of authenticator apps.

use std::{error::Error, sync::Arc};

use axum::{extract::Request, response::Response};
use http::StatusCode;
use serde_json::json;
use zeroize::Zeroizing;

use crate::{
    error::AuthError,
    issue::Event,
    mail::MessageKind,
    routes::{
        RequestError, RequestErrorKind, RouteError, check_optional_json, json_response, no_content,
    },
    token::{RegisteredClaims, UserId},
    totp::{Totp, TotpError},
    trace::warn,
    user::{Account, AccountBackend},
};

use super::state::AccountState;

/// Makes a secret for the authenticator app of the user.
pub(super) async fn enrol<U, C, R>(
    state: Arc<AccountState<U, C, R>>,
    request: Request,
) -> Result<Response, RouteError>
where
    U: AccountBackend<C, R>,
    C: Send + Sync + 'static,
    R: Send + Sync + 'static,
{
    let claims = RegisteredClaims::from_extensions(request.extensions())?;
    check_optional_json(&request)?;
    let account = state.active_account(&claims).await?;
    let enrolment = state.totp()?.enrol(account.id(), name_of(&account)).await.map_err(rejected)?;
    let body = json!({
        "secret": enrolment.secret(), "uri": enrolment.uri(), "qr": enrolment.qr_svg(),
    });
    Ok(json_response(StatusCode::OK, &body))
}

/// Enables the second factor with the first code of the app.
pub(super) async fn confirm<U, C, R>(
    state: Arc<AccountState<U, C, R>>,
    request: Request,
) -> Result<Response, RouteError>
where
    U: AccountBackend<C, R>,
    C: Send + Sync + 'static,
    R: Send + Sync + 'static,
{
    let claims = RegisteredClaims::from_extensions(request.extensions())?;
    let code = state.bodies.string(request, "code").await?;
    let account = state.active_account(&claims).await?;
    let codes = state.totp()?.confirm(account.id(), &code).await.map_err(rejected)?;
    state.issuer.emit(&Event::SecondFactorEnabled { user_id: account.id().as_str() });
    state.notify(&account, MessageKind::SecondFactorEnabled);
    let codes: Vec<_> = codes.iter().collect();
    Ok(json_response(StatusCode::OK, &json!({ "recovery_codes": codes })))
}

/// Disables the second factor.
pub(super) async fn disable<U, C, R>(
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
    if state.totp()?.disable(account.id()).await.map_err(AuthError::from)? {
        state.issuer.emit(&Event::SecondFactorDisabled { user_id: account.id().as_str() });
        state.notify(&account, MessageKind::SecondFactorDisabled);
    }
    Ok(no_content())
}

impl<U: AccountBackend<C, R>, C, R> AccountState<U, C, R> {
    /// The routes are served only if it is set.
    fn totp(&self) -> Result<&Totp, RouteError> {
        Ok(self.totp.as_ref().ok_or(RequestErrorKind::NotFound)?)
    }

    /// Removes the secret of a deleted account. No account gets the same id, so a failure is harmless.
    pub(super) async fn forget_secret(&self, user_id: &UserId) {
        if let Some(totp) = &self.totp
            && let Err(error) = totp.disable(user_id).await
        {
            warn!(error = &error as &dyn Error, "the secret of a deleted account remains");
        }
    }
}

/// What the app shows.
fn name_of<X>(account: &Account<X>) -> &str {
    account.email().or(account.username()).unwrap_or(account.id().as_str())
}

fn rejected(error: TotpError) -> RouteError {
    match error {
        TotpError::AlreadyEnabled => RequestErrorKind::TotpEnabled.into(),
        TotpError::NotEnrolled => RequestErrorKind::TotpNotEnrolled.into(),
        TotpError::InvalidCode | TotpError::InvalidSecret => {
            RequestError::invalid_field("code", "The code is wrong or was used before.").into()
        }
        TotpError::Backend(error) => AuthError::from(error).into(),
    }
}
