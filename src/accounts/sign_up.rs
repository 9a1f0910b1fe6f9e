//! Creating accounts.

use std::sync::Arc;

use axum::{extract::Request, response::Response};
use http::StatusCode;
use serde::Serialize;
use serde_json::{Value, json};

use crate::{
    error::AuthError,
    issue::Event,
    mail::{Message, MessageKind},
    possession::{Evidence, UnusedProof},
    routes::{RequestError, RouteError, json_response},
    user::{
        AccountBackend, AccountError, FieldProblem, FieldProblems, Fields, NewAccount, login_key,
    },
};

use super::{
    field_messages::record_problems, new_password::check_password, sign_up_form::SignUpForm,
    state::AccountState,
};

/// The body of every sign-up that does not reveal which accounts exist.
const ACCEPTED: &str = "A mail with the next step was sent to the address.";

pub(super) async fn sign_up<U, C, R>(
    state: Arc<AccountState<U, C, R>>,
    request: Request,
) -> Result<Response, RouteError>
where
    U: AccountBackend<C, R>,
    C: Serialize + Send + Sync + 'static,
    R: Serialize + Send + Sync + 'static,
{
    state.check_site(&request)?;
    let client = state.limits.sign_up.client(&request)?;
    let evidence = state.dpop.as_ref().map(|_| Evidence::of(&request));
    let body = state.bodies.read(request).await?;
    let mut fields = state.bodies.fields(&body)?;
    let form = SignUpForm::read(&mut fields, state.sign_up);
    let proof = match (&state.dpop, evidence) {
        (Some(dpop), Some(evidence)) if form.wants_tokens && state.sign_up.tokens => {
            dpop.verify_token_request(&evidence)?
        }
        _ => None,
    };
    let extra = (state.read_extra)(&mut fields);
    if let Some(password) = &form.password {
        let password = ("password", password.as_str());
        check_password(&state.rules, password, &form.attributes(), &mut fields).await?;
    }
    let Some(name) = form.email.as_deref().or(form.username.as_deref()) else {
        return Err(RequestError::invalid_fields(fields.errors()).into());
    };
    // From here on, the backend is asked.
    let attempt = state.limits.sign_up.count(client, name).await?;
    let result = match (extra, &form.password) {
        (Some(extra), Some(password)) if fields.errors().is_empty() => {
            let account = NewAccount::new()
                .with_username(form.username.as_deref())
                .with_email(form.email.as_deref())
                .with_password(password.as_str())
                .with_extra(extra);
            match &form.email {
                Some(email) if state.sign_up.enumeration_safe => {
                    state.create_safely(account, email, &form, fields).await
                }
                _ => state.create(account, &form, fields, proof).await,
            }
        }
        _ => state.rejected(FieldProblems::default(), &form, fields).await,
    };
    attempt.conclude(result).await
}

impl<U, C, R> AccountState<U, C, R>
where
    U: AccountBackend<C, R>,
    C: Serialize + Send + Sync + 'static,
    R: Serialize + Send + Sync + 'static,
{
    async fn create(
        &self,
        new: NewAccount<'_, U::Extra>,
        form: &SignUpForm,
        fields: Fields,
        proof: Option<UnusedProof>,
    ) -> Result<Response, RouteError> {
        let slot = form.email.as_ref().map(|_| self.mail.reserve()).transpose()?;
        let start = self.issuer.start_login().await?;
        let start = start.bound_to(proof.as_ref().map(UnusedProof::key));
        if let Some(proof) = proof {
            proof.use_once().await?;
        }
        let account = match self.users.create(new).await {
            Ok(account) => account,
            Err(AccountError::Rejected(problems)) => {
                return self.rejected(problems, form, fields).await;
            }
            Err(AccountError::Backend(error)) => return Err(AuthError::from(error).into()),
        };
        self.issuer.emit(&Event::AccountCreated { user_id: account.id().as_str() });
        if let (Some(slot), Some(email)) = (slot, account.email()) {
            slot.send(&self.issuer, [self.verification(start, &account, email)?]);
        }
        let mut body = Value::Object(self.described(&account));
        match self.first_tokens(start, &account, form.wants_tokens).await {
            Some(tokens) if form.wants_tokens => {
                body["access"] = json!(tokens.access());
                body["refresh"] = json!(tokens.refresh());
                if tokens.is_bound() {
                    body["token_type"] = json!("DPoP");
                }
                Ok(json_response(StatusCode::CREATED, &body))
            }
            Some(tokens) => {
                let response = json_response(StatusCode::CREATED, &body);
                self.with_session(response, &account, &tokens).await
            }
            None => Ok(json_response(StatusCode::CREATED, &body)),
        }
    }

    /// Creates an account if none has its names. The response and the work before it do not depend on
    /// that, but the mail does.
    async fn create_safely(
        &self,
        new: NewAccount<'_, U::Extra>,
        email: &str,
        form: &SignUpForm,
        fields: Fields,
    ) -> Result<Response, RouteError> {
        let slot = self.mail.reserve()?;
        if names_another_address(form, email) {
            let names = self.users.name_problems(form.username.as_deref(), Some(email)).await;
            let mut problems = names.map_err(AuthError::from)?;
            problems.username.get_or_insert(FieldProblem::Taken);
            if !is_taken(problems) {
                return self.rejected(problems, form, fields).await;
            }
            slot.send(&self.issuer, [Message::new(MessageKind::UsernameTaken, email)]);
            return Ok(json_response(StatusCode::ACCEPTED, &json!({ "detail": ACCEPTED })));
        }
        let start = self.issuer.start_login().await?;
        let owner = self.users.account_by_email(email).await.map_err(AuthError::from)?;
        let message = match self.users.create(new).await {
            Ok(account) => {
                self.issuer.emit(&Event::AccountCreated { user_id: account.id().as_str() });
                self.verification(start, &account, email)?
            }
            Err(AccountError::Rejected(problems)) if is_taken(problems) => {
                self.work_for_nobody(start, email)?;
                let owner = match owner {
                    // Another sign-up was quicker.
                    None if problems.email.is_some() => {
                        self.users.account_by_email(email).await.map_err(AuthError::from)?
                    }
                    owner => owner,
                };
                // The owner's spelling of the address counts: another one may be another mailbox.
                let known = owner.as_ref().and_then(|owner| Some((owner, owner.email()?)));
                known.map_or_else(
                    || Message::new(MessageKind::UsernameTaken, email),
                    |(owner, to)| {
                        let message = Message::new(MessageKind::AccountExists, to);
                        message.with_username(owner.username())
                    },
                )
            }
            Err(AccountError::Rejected(problems)) => {
                return self.rejected(problems, form, fields).await;
            }
            Err(AccountError::Backend(error)) => return Err(AuthError::from(error).into()),
        };
        slot.send(&self.issuer, [message]);
        Ok(json_response(StatusCode::ACCEPTED, &json!({ "detail": ACCEPTED })))
    }

    /// Rejects a sign-up with all errors that are recorded in `fields`, the problems that the backend
    /// has found, and those of the names.
    async fn rejected(
        &self,
        problems: FieldProblems,
        form: &SignUpForm,
        mut fields: Fields,
    ) -> Result<Response, RouteError> {
        let (username, email) = (form.username.as_deref(), form.email.as_deref());
        let names = self.users.name_problems(username, email).await.map_err(AuthError::from)?;
        let mut all = problems;
        all.username = names.username.or(problems.username);
        all.email = names.email.or(problems.email);
        record_problems(&mut fields, all, !self.sign_up.enumeration_safe);
        Err(RequestError::invalid_fields(fields.errors()).into())
    }
}

/// Whether the user name is an address, but not that of the account. The mail about such a name must
/// not depend on whether another account has the address.
fn names_another_address(form: &SignUpForm, email: &str) -> bool {
    let username = form.username.as_deref().map(login_key);
    username.is_some_and(|username| username.contains('@') && username != login_key(email))
}

/// Whether names are taken, and nothing else is wrong.
fn is_taken(problems: FieldProblems) -> bool {
    let FieldProblems { username, email, password } = problems;
    let is_taken = |problem: Option<FieldProblem>| {
        problem.is_none_or(|problem| problem == FieldProblem::Taken)
    };
    password.is_none() && is_taken(username) && is_taken(email)
}
