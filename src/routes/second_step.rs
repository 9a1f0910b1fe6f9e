//! The second step of a login: a code.

use std::{error::Error, fmt};

use axum::extract::Request;
use http::StatusCode;
use serde::{Serialize, de::DeserializeOwned};

use crate::{
    error::{AuthError, AuthErrorKind},
    issue::{LoginStart, Tokens, VerifiedStep},
    possession::UnusedProof,
    token::KeyThumbprint,
    user::{User, UserBackend},
};

use super::{
    login::Logins, login_limit::StepClaims, request_error::RequestError, route_error::RouteError,
    step_token::SecondStep,
};

impl<U, C, R> Logins<U, C, R>
where
    U: UserBackend<C, R>,
    C: Serialize,
    R: Serialize + DeserializeOwned + Send + Sync + 'static,
{
    pub(super) async fn has_second_factor(&self, user: &User<C, R>) -> Result<bool, AuthError> {
        match &self.second_factor {
            Some(second_factor) => Ok(second_factor.is_enabled(user.id()).await?),
            None => Ok(false),
        }
    }

    /// The error that asks `user` for a code.
    pub(super) fn require_second_factor(
        &self,
        start: LoginStart,
        user: &User<C, R>,
        claims: &StepClaims,
    ) -> RouteError {
        if self.second_factor.is_none() {
            return AuthError::with_source(AuthErrorKind::Misconfigured, NoSecondFactor).into();
        }
        match self.issuer.issue_second_step(start, user, claims) {
            Ok(token) => RouteError::SecondFactorRequired(SecondStep::new(token)),
            Err(error) => error.into(),
        }
    }

    /// Begins the session of the user whose step and code are in the body of `request`.
    pub(super) async fn complete(
        &self,
        request: Request,
        proof: Option<UnusedProof>,
    ) -> Result<(Tokens, User<C, R>), RouteError> {
        let label = self.label_of(&request);
        let address = self.limit.client_address(&request)?;
        let body = self.bodies.read(request).await?;
        let mut fields = self.bodies.fields(&body)?;
        let (step, code) = (fields.required_string("step"), fields.required_string("code"));
        let (Some(step), Some(code)) = (step, code) else {
            return Err(RequestError::invalid_fields(fields.errors()).into());
        };
        let attempt = self.limit.count_step(address).await;
        let attempt = attempt.inspect_err(|error| self.emit_failure(error, None, address))?;
        let mut name_hash = None;
        let result = self.try_code(&step, &code, label.as_deref(), proof, &mut name_hash).await;
        if let Err(error) = &result {
            self.emit_failure(error, name_hash.as_deref(), address);
        }
        attempt.conclude(status_of(&result)).await;
        Ok(result?)
    }

    /// Stores the hash of the account's name in `name_hash` as soon as it is known.
    async fn try_code(
        &self,
        step: &str,
        code: &str,
        label: Option<&str>,
        proof: Option<UnusedProof>,
        name_hash: &mut Option<Box<str>>,
    ) -> Result<(Tokens, User<C, R>), AuthError> {
        let resumed = self.issuer.resume_second_step::<StepClaims>(step, proof.as_ref()).await;
        let (step, key) = resumed?;
        name_hash.clone_from(&step.claims().name_hash);
        // A step whose user must wait is not tried, so the user can complete it later.
        let attempt = self.limit.count_code(step.user_id()).await?;
        let result = async {
            self.issuer.try_second_step(&step).await?;
            self.finish(&step, code, label, (key, proof)).await
        };
        let result = result.await;
        attempt.conclude(status_of(&result)).await;
        result
    }

    async fn finish(
        &self,
        step: &VerifiedStep<StepClaims>,
        code: &str,
        label: Option<&str>,
        (key, proof): (Option<KeyThumbprint>, Option<UnusedProof>),
    ) -> Result<(Tokens, User<C, R>), AuthError> {
        let misconfigured = || AuthError::with_source(AuthErrorKind::Misconfigured, NoSecondFactor);
        let second_factor = self.second_factor.as_ref().ok_or_else(misconfigured)?;
        let user = self.users.find(step.user_id()).await?;
        let user = user.filter(User::is_active).ok_or(AuthErrorKind::UserInactive)?;
        // A code is not spent on a login that cannot be completed.
        step.check_epoch(&user)?;
        if let Some(proof) = proof {
            proof.use_once().await?;
        }
        if !second_factor.verify(step.user_id(), code).await? {
            return Err(AuthErrorKind::InvalidCode.into());
        }
        let strength = (second_factor.amr(), second_factor.acr());
        let tokens = self.issuer.finish_second_step(step, &user, strength, label, key).await?;
        self.limit.resume(step.claims()).conclude(None).await;
        Ok((tokens, user))
    }
}

/// The status of a failure.
fn status_of<T>(result: &Result<T, AuthError>) -> Option<StatusCode> {
    result.as_ref().err().map(|error| error.kind().status())
}

/// A user has a second factor that nothing verifies.
#[derive(Debug)]
struct NoSecondFactor;

impl fmt::Display for NoSecondFactor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a user has a second factor, but `second_factor` is not set")
    }
}

impl Error for NoSecondFactor {}
