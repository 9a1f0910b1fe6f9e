//! The handlers of the session list.

use std::{cmp::Reverse, sync::Arc};

use axum::{
    RequestExt,
    extract::{RawPathParams, Request},
    response::Response,
};
use serde_json::{Value, json};

use crate::{error::AuthErrorKind, token::RegisteredClaims};

use super::{
    super::{
        cookies::{are_read, with_cookies},
        request_error::{RequestError, RequestErrorKind},
        response::{no_content, ok},
        route_error::RouteError,
    },
    session_entry::SessionEntry,
    state::SessionList,
};

pub(super) async fn list<C, R>(
    state: Arc<SessionList<C, R>>,
    request: Request,
) -> Result<Response, RouteError> {
    let claims = RegisteredClaims::from_extensions(request.extensions())?;
    let mut sessions = state.issuer.sessions(claims.user_id()).await?;
    sessions.sort_unstable_by_key(|session| Reverse((session.last_used_at, session.id.clone())));
    let entries = sessions
        .into_iter()
        .map(|session| SessionEntry::new(session, claims.session_id(), state.has_labels));
    Ok(ok(&entries.collect::<Vec<_>>()))
}

pub(super) async fn end<C, R>(
    state: Arc<SessionList<C, R>>,
    mut request: Request,
) -> Result<Response, RouteError> {
    let claims = RegisteredClaims::from_extensions(request.extensions())?;
    let session_id = session_id(&mut request).await?;
    let sessions = state.issuer.sessions(claims.user_id()).await?;
    if !sessions.iter().any(|session| *session.id == *session_id) {
        return Err(RequestErrorKind::NotFound.into());
    }
    state.issuer.revoke_session(claims.user_id(), &session_id).await?;
    let is_current = claims.session_id() == Some(&*session_id);
    Ok(if is_current { state.ended(&request, no_content()) } else { no_content() })
}

pub(super) async fn end_others<C, R>(
    state: Arc<SessionList<C, R>>,
    request: Request,
) -> Result<Response, RouteError> {
    let claims = RegisteredClaims::from_extensions(request.extensions())?;
    match claims.session_id() {
        Some(session_id) => {
            state.issuer.revoke_other_sessions(claims.user_id(), session_id).await?;
        }
        // A token without a session is not in the list, so every session is another one.
        None => state.issuer.revoke_user(claims.user_id()).await?,
    }
    Ok(ok(&json!({})))
}

pub(super) async fn end_all<C, R>(
    state: Arc<SessionList<C, R>>,
    request: Request,
) -> Result<Response, RouteError> {
    let claims = RegisteredClaims::from_extensions(request.extensions())?;
    state.issuer.revoke_user(claims.user_id()).await?;
    Ok(state.ended(&request, ok(&json!({}))))
}

pub(super) async fn label<C, R>(
    state: Arc<SessionList<C, R>>,
    mut request: Request,
) -> Result<Response, RouteError> {
    let claims = RegisteredClaims::from_extensions(request.extensions())?;
    let session_id = session_id(&mut request).await?;
    let body = state.bodies.read(request).await?;
    let mut fields = state.bodies.fields(&body)?;
    let label = fields.take("label");
    let label = match &label {
        Some(Value::String(label)) => Some(&**label),
        Some(Value::Null) => None,
        invalid => {
            let problem =
                if invalid.is_some() { "Not a valid string." } else { "This field is required." };
            return Err(RequestError::invalid_field("label", problem).into());
        }
    };
    let is_known = state.issuer.label_session(claims.user_id(), &session_id, label).await?;
    if is_known { Ok(no_content()) } else { Err(RequestErrorKind::NotFound.into()) }
}

pub(super) async fn ticket<C, R>(
    state: Arc<SessionList<C, R>>,
    request: Request,
) -> Result<Response, RouteError> {
    let claims = RegisteredClaims::from_extensions(request.extensions())?;
    let path = state.bodies.string(request, "path").await?;
    match state.issuer.issue_ticket(&claims, &path) {
        Ok(ticket) => Ok(ok(&json!({ "ticket": ticket }))),
        Err(error) if error.kind() == AuthErrorKind::InvalidRequest => {
            Err(RequestError::invalid_field("path", "Not a valid path.").into())
        }
        Err(error) => Err(error.into()),
    }
}

/// The id in the path. One that is not UTF-8 is not that of a session.
async fn session_id(request: &mut Request) -> Result<String, RouteError> {
    let parameters: Result<RawPathParams, _> = request.extract_parts().await;
    let parameters = parameters.map_err(|_| RequestErrorKind::NotFound)?;
    let value = parameters.iter().find(|(name, _)| *name == "session_id");
    Ok(value.map(|(_, value)| value.to_owned()).ok_or(RequestErrorKind::NotFound)?)
}

impl<C, R> SessionList<C, R> {
    /// Clears the cookies of a request whose session was ended, if it came with cookies.
    fn ended(&self, request: &Request, response: Response) -> Response {
        if are_read(request.headers()) {
            with_cookies(response, self.clear_cookies.iter().cloned())
        } else {
            response
        }
    }
}
