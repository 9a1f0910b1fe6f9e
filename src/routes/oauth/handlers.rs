//! The handlers of introspection and revocation.

use std::sync::Arc;

use axum::{body::Body, extract::Request, response::Response};
use http::StatusCode;
use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Map, Value, json};

use crate::{
    error::{AuthError, AuthErrorKind},
    issue::Issuer,
    token::{RegisteredClaims, TokenType, Verifier},
};

use super::super::{
    body::BodyLimits,
    form::Form,
    request_error::{RequestError, RequestErrorKind},
    response::{ok, uncached},
    route_error::RouteError,
};

/// The members of RFC 7662 section 2.2 that are copied from the token.
///
/// So are those of RFC 9470 section 6.2 and of RFC 8705 section 3.2, and `sid`, with which a service
/// recognizes tokens of a session that a back-channel logout has ended.
const COPIED_MEMBERS: [&str; 13] = [
    "scope",
    "client_id",
    "username",
    "exp",
    "iat",
    "nbf",
    "aud",
    "iss",
    "cnf",
    "auth_time",
    "acr",
    "amr",
    "sid",
];

/// The state of the handlers.
pub(super) struct OAuthState<C, R> {
    pub(super) issuer: Issuer<C, R>,
    /// Verifies every token that is signed with the issuer's keys.
    pub(super) any_type: Verifier,
    /// The names of the application's claims in introspection responses.
    pub(super) claims: Vec<Box<str>>,
    pub(super) body_limits: BodyLimits,
}

pub(super) async fn introspect<C, R>(
    state: Arc<OAuthState<C, R>>,
    request: Request,
) -> Result<Response, RouteError>
where
    C: DeserializeOwned + Send + Sync + 'static,
    R: DeserializeOwned + Send + Sync + 'static,
{
    let token = read_token(request, &state.body_limits).await?;
    match state.issuer.inspect(&token).await {
        Ok(claims) if claims.token_type() == Some(&TokenType::Access) => {
            Ok(ok(&state.members(&claims)))
        }
        Err(error) if is_outage(&error) => Err(error.into()),
        // RFC 7662 section 2.2: the response does not contain the reason.
        Ok(_) | Err(_) => Ok(ok(&json!({ "active": false }))),
    }
}

pub(super) async fn revoke<C, R>(
    state: Arc<OAuthState<C, R>>,
    request: Request,
) -> Result<Response, RouteError>
where
    C: Serialize + DeserializeOwned + Send + Sync + 'static,
    R: Serialize + DeserializeOwned + Send + Sync + 'static,
{
    let token = read_token(request, &state.body_limits).await?;
    match state.revoke(&token).await? {
        Revocation::Done => Ok(uncached(Response::new(Body::empty()))),
        Revocation::Unsupported => Err(RequestErrorKind::UnsupportedTokenType.into()),
    }
}

/// The parameter `token` of the form in the request's body.
async fn read_token(request: Request, limits: &BodyLimits) -> Result<String, RequestError> {
    let (parts, body) = request.into_parts();
    let token = Form::read(&parts.headers, body, limits).await?.take("token");
    token.ok_or(RequestError::invalid_body("The parameter token is missing."))
}

enum Revocation {
    /// The token is not accepted any more, or never was.
    Done,
    /// The token is still accepted, because the verifiers of its type do not check revocations.
    Unsupported,
}

fn is_outage(error: &AuthError) -> bool {
    error.kind().status() == StatusCode::SERVICE_UNAVAILABLE
}

impl<C, R> OAuthState<C, R> {
    /// The introspection response for a valid token.
    fn members(&self, claims: &RegisteredClaims) -> Map<String, Value> {
        // The verifier has parsed it as an object.
        let payload: Map<String, Value> = serde_json::from_str(claims.json()).unwrap_or_default();
        let custom = self.claims.iter().map(AsRef::as_ref);
        let copied = custom
            .chain(COPIED_MEMBERS)
            .filter_map(|name| payload.get(name).map(|value| (name.to_owned(), value.clone())));
        let mut members: Map<_, _> = copied.collect();
        members.insert("active".to_owned(), true.into());
        // RFC 9449 section 6.2, RFC 8705 section 3.2: `cnf` names the key of a bound token.
        let is_dpop = payload.get("cnf").is_some_and(|cnf| cnf.get("jkt").is_some());
        let token_type = if is_dpop { "DPoP" } else { "Bearer" };
        members.insert("token_type".to_owned(), json!(token_type));
        members.insert("jti".to_owned(), json!(claims.jti()));
        let subject = claims.subject().unwrap_or(claims.user_id().as_str());
        members.insert("sub".to_owned(), subject.into());
        members
    }
}

impl<C, R> OAuthState<C, R>
where
    C: Serialize + DeserializeOwned + Send + Sync + 'static,
    R: Serialize + DeserializeOwned + Send + Sync + 'static,
{
    /// Ends the session of a refresh token, even if the token is spent, or revokes an access token.
    ///
    /// # Errors
    ///
    /// When the store is unavailable.
    async fn revoke(&self, token: &str) -> Result<Revocation, AuthError> {
        let claims = match self.any_type.verify_bytes(token.as_bytes()) {
            Ok(claims) => claims,
            // It will be valid later.
            Err(error) if error.kind() == AuthErrorKind::NotYetValid => {
                return Ok(Revocation::Unsupported);
            }
            // RFC 7009 section 2.2: an invalid token needs no revocation.
            Err(_) => return Ok(Revocation::Done),
        };
        let revoked = match claims.token_type() {
            Some(TokenType::Refresh) => self.issuer.logout(token).await,
            Some(TokenType::Access) if claims.jti().is_some() => {
                self.issuer.revoke_token(&claims).await
            }
            _ => return Ok(Revocation::Unsupported),
        };
        match revoked {
            Err(error) if is_outage(&error) => Err(error),
            // The issuer rejects the token for another reason.
            Ok(()) | Err(_) => Ok(Revocation::Done),
        }
    }
}
