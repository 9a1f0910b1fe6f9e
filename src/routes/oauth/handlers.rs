//! What each route does.

use std::sync::Arc;

use axum::{body::Body, extract::Request, response::Response};
use http::StatusCode;
use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Map, Value, json};

use crate::{
    error::{AuthError, AuthErrorKind},
    token::{Claims, TokenType},
};

use super::{
    super::reply::{self, uncached},
    Shared, form,
};

/// The members of RFC 7662 section 2.2 that are told as they stand in the token.
const TOLD: [&str; 8] = ["scope", "client_id", "username", "exp", "iat", "nbf", "aud", "iss"];

pub(super) async fn introspect<C, R>(shared: Arc<Shared<C, R>>, request: Request) -> Response
where
    C: Send + Sync + 'static,
    R: Send + Sync + 'static,
{
    let token = match form::token(request).await {
        Ok(token) => token,
        Err(response) => return response,
    };
    match shared.issuer.verify(&token).await {
        Ok(claims) if claims.token_type() == Some(&TokenType::Access) => {
            reply::ok(&shared.members(&claims))
        }
        Err(error) if is_outage(&error) => form::unavailable(&error),
        // RFC 7662 section 2.2: not a word about why.
        Ok(_) | Err(_) => reply::ok(&json!({ "active": false })),
    }
}

pub(super) async fn revoke<C, R>(shared: Arc<Shared<C, R>>, request: Request) -> Response
where
    C: Serialize + DeserializeOwned + Send + Sync + 'static,
    R: Serialize + DeserializeOwned + Send + Sync + 'static,
{
    let token = match form::token(request).await {
        Ok(token) => token,
        Err(response) => return response,
    };
    match shared.revoke(&token).await {
        Err(error) if is_outage(&error) => form::unavailable(&error),
        // RFC 7009 section 2.2: a token that is not good is one that need not be revoked.
        Ok(()) | Err(_) => uncached(Response::new(Body::empty())),
    }
}

fn is_outage(error: &AuthError) -> bool {
    error.kind().status() == StatusCode::SERVICE_UNAVAILABLE
}

impl<C, R> Shared<C, R> {
    /// What is told of a good token.
    fn members(&self, claims: &Claims) -> Map<String, Value> {
        // It was read as an object when it was verified.
        let payload: Map<String, Value> = serde_json::from_str(claims.json()).unwrap_or_default();
        let own = self.claims.iter().map(AsRef::as_ref);
        let told = own
            .chain(TOLD)
            .filter_map(|name| payload.get(name).map(|value| (name.to_owned(), value.clone())));
        let mut members: Map<_, _> = told.collect();
        members.insert("active".to_owned(), true.into());
        members.insert("token_type".to_owned(), json!("Bearer"));
        members.insert("jti".to_owned(), json!(claims.jti()));
        let subject = claims.subject().unwrap_or(claims.user_id().as_str());
        members.insert("sub".to_owned(), subject.into());
        members
    }
}

impl<C, R> Shared<C, R>
where
    C: Serialize + DeserializeOwned + Send + Sync + 'static,
    R: Serialize + DeserializeOwned + Send + Sync + 'static,
{
    /// Ends the session of a refresh token, spent or not; else revokes an access token.
    async fn revoke(&self, token: &str) -> Result<(), AuthError> {
        match self.issuer.logout(token).await {
            Err(error) if error.kind() != AuthErrorKind::Unavailable => {
                let claims = self.issuer.verifier().verify(token)?;
                self.issuer.revoke_token(&claims).await
            }
            result => result,
        }
    }
}
