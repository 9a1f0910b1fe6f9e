//! The parameters of a request.

use axum::extract::Request;

use super::super::{
    body::{BodyLimits, MediaType},
    request_error::RequestError,
};

/// Reads the parameter `token` of the form in the request's body.
pub(super) async fn token(request: Request, limits: &BodyLimits) -> Result<String, RequestError> {
    let (parts, body) = request.into_parts();
    let body = limits.read_as(MediaType::Form, &parts.headers, body).await?;
    let parameters: Vec<_> = form_urlencoded::parse(&body).collect();
    // RFC 6749 section 3.2: no parameter may be repeated, and one without a value counts as missing.
    let mut names: Vec<_> = parameters.iter().map(|(name, _)| name).collect();
    names.sort_unstable();
    if names.windows(2).any(|pair| pair[0] == pair[1]) {
        return Err(RequestError::invalid_body("A parameter is repeated."));
    }
    let token = parameters.into_iter().find(|(name, value)| name == "token" && !value.is_empty());
    let token = token.map(|(_, token)| token.into_owned());
    token.ok_or(RequestError::invalid_body("The parameter token is missing."))
}
