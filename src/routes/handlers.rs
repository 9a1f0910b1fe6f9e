//! What each route does.

use std::sync::Arc;

use axum::{extract::Request, response::Response};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Map, Value, json};

use crate::{
    error::{AuthError, AuthErrorKind},
    issue::{Event, Tokens, backend_error},
    user::{Credentials, Fields, UserBackend},
};

use super::{
    Shared, body,
    reply::{self, TokenAnswer},
};

pub(super) async fn obtain<U, C, R>(shared: Arc<Shared<U, C, R>>, request: Request) -> Response
where
    U: UserBackend<C, R>,
    C: Serialize + DeserializeOwned + Send + Sync + 'static,
    R: Serialize + DeserializeOwned + Send + Sync + 'static,
{
    let label = shared.session_label(&request);
    let mut fields = match shared.fields(request).await {
        Ok(fields) => fields,
        Err(response) => return response,
    };
    let credentials = match U::Credentials::from_fields(&mut fields) {
        Some(credentials) if fields.errors().is_empty() => credentials,
        _ => return reply::invalid_fields(fields.errors()),
    };
    match shared.log_in(credentials, label.as_deref()).await {
        Ok((tokens, extras)) => reply::ok(&shared.answer(&tokens, extras)),
        Err(error) => {
            shared.issuer.emit(&Event::LoginFailed { reason: error.kind() });
            reply::refused(error)
        }
    }
}

pub(super) async fn refresh<U, C, R>(shared: Arc<Shared<U, C, R>>, request: Request) -> Response
where
    U: UserBackend<C, R>,
    C: Serialize + DeserializeOwned + Send + Sync + 'static,
    R: Serialize + DeserializeOwned + Send + Sync + 'static,
{
    match shared.token(request, "refresh").await {
        Ok(token) => match shared.issuer.refresh(&token, &shared.users).await {
            Ok(tokens) => reply::ok(&shared.answer(&tokens, Map::new())),
            Err(error) => reply::refused(error),
        },
        Err(response) => response,
    }
}

pub(super) async fn verify<U, C, R>(shared: Arc<Shared<U, C, R>>, request: Request) -> Response
where
    U: UserBackend<C, R>,
    C: Send + Sync + 'static,
    R: Send + Sync + 'static,
{
    match shared.token(request, "token").await {
        Ok(token) => empty_or_refused(shared.issuer.verify(&token).await.map(drop)),
        Err(response) => response,
    }
}

pub(super) async fn blacklist<U, C, R>(shared: Arc<Shared<U, C, R>>, request: Request) -> Response
where
    U: UserBackend<C, R>,
    C: Serialize + DeserializeOwned + Send + Sync + 'static,
    R: Serialize + DeserializeOwned + Send + Sync + 'static,
{
    match shared.token(request, "refresh").await {
        Ok(token) => empty_or_refused(shared.issuer.logout(&token).await),
        Err(response) => response,
    }
}

fn empty_or_refused(result: Result<(), AuthError>) -> Response {
    match result {
        Ok(()) => reply::ok(&json!({})),
        Err(error) => reply::refused(error),
    }
}

impl<U, C, R> Shared<U, C, R> {
    async fn fields(&self, request: Request) -> Result<Fields, Response> {
        let members = body::read(request, self.settings.body_limit).await?;
        Ok(Fields::new(members).with_renamed(&self.settings.renamed))
    }

    /// The token in the field `name` of the body.
    async fn token(&self, request: Request, name: &str) -> Result<String, Response> {
        let mut fields = self.fields(request).await?;
        let token = fields.required_text(name);
        token.ok_or_else(|| reply::invalid_fields(fields.errors()))
    }

    fn session_label(&self, request: &Request) -> Option<String> {
        let value = request.headers().get(self.settings.session_label.as_ref()?)?;
        Some(String::from_utf8_lossy(value.as_bytes()).into_owned())
    }

    fn answer<'a>(&'a self, tokens: &'a Tokens, extras: Map<String, Value>) -> TokenAnswer<'a> {
        TokenAnswer {
            access: (self.settings.field("access"), tokens.access()),
            refresh: tokens.refresh().map(|refresh| (self.settings.field("refresh"), refresh)),
            extras,
        }
    }
}

impl<U, C, R> Shared<U, C, R>
where
    U: UserBackend<C, R>,
    C: Serialize,
    R: Serialize + DeserializeOwned + Send + Sync + 'static,
{
    async fn log_in(
        &self,
        credentials: U::Credentials,
        label: Option<&str>,
    ) -> Result<(Tokens, Map<String, Value>), AuthError> {
        let user = self.users.authenticate(credentials).await.map_err(backend_error)?;
        // An inactive user is answered like an unknown one, so that neither can be found out.
        let user = user.filter(|user| user.is_active()).ok_or(AuthErrorKind::InvalidCredentials)?;
        let tokens = self.issuer.login_with_label(&user, label).await?;
        let extras = self.settings.extras.as_ref().map_or_else(Map::new, |extras| extras(&user));
        Ok((tokens, extras))
    }
}
