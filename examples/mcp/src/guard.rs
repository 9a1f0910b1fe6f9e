//! Decides over a call of a tool before the protocol sees it. A tool that fails is a successful HTTP
//! request, but a client gets a token with more scopes only after a `403`.

use std::{error::Error, time::Duration};

use axum::{
    body::{Body, Bytes, to_bytes},
    extract::Request,
    http::{
        HeaderMap, Method, StatusCode,
        header::{AUTHORIZATION, CONTENT_TYPE},
    },
    middleware::Next,
    response::{IntoResponse, Response},
};
use http_body_util::LengthLimitError;
use rmcp::model::{ClientJsonRpcMessage, ClientRequest};
use tokio::time::timeout;
use tower_jwt_auth::Claims;

use crate::{response::error, tools::required_scope};

/// The longest body of a request, in bytes.
pub(crate) const BODY_LIMIT: usize = 256 * 1024;
const BODY_DEADLINE: Duration = Duration::from_secs(10);

/// Rejects calls of tools whose scope the token lacks.
///
/// Both this function and rmcp read the body into the same type, so they cannot disagree about which
/// tool is called.
pub(crate) async fn require_scope_of_tool(
    claims: Claims,
    request: Request,
    next: Next,
) -> Result<Response, Response> {
    let (mut parts, body) = request.into_parts();
    let body = read(body).await?;
    let message = serde_json::from_slice::<ClientJsonRpcMessage>(&body);
    // rmcp rejects other methods and media types.
    if message.is_err() && parts.method == Method::POST && is_json(&parts.headers) {
        let detail = "The body must be a JSON-RPC message.";
        return Err(error(StatusCode::BAD_REQUEST, "invalid_body", detail));
    }
    if let Ok(ClientJsonRpcMessage::Request(message)) = message
        && let ClientRequest::CallToolRequest(call) = message.request
        && let Some(scope) = required_scope(&call.params.name)
    {
        claims.require_scope(scope).map_err(IntoResponse::into_response)?;
    }
    // Tools have the claims. They must not pass the token on to other services.
    parts.headers.remove(AUTHORIZATION);
    Ok(next.run(Request::from_parts(parts, body.into())).await)
}

fn is_json(headers: &HeaderMap) -> bool {
    let media_type = headers.get(CONTENT_TYPE).map_or(&b""[..], |value| value.as_bytes());
    media_type.starts_with(b"application/json")
}

/// Reads a body, within limits.
async fn read(body: Body) -> Result<Bytes, Response> {
    let too_long =
        |error: &axum::Error| error.source().is_some_and(|it| it.is::<LengthLimitError>());
    match timeout(BODY_DEADLINE, to_bytes(body, BODY_LIMIT)).await {
        Ok(Ok(body)) => Ok(body),
        Ok(Err(cause)) if too_long(&cause) => {
            Err(error(StatusCode::PAYLOAD_TOO_LARGE, "body_too_large", "The body is too long."))
        }
        Ok(Err(_)) => {
            let detail = "The body cannot be read.";
            Err(error(StatusCode::BAD_REQUEST, "invalid_body", detail))
        }
        Err(_) => {
            let detail = "The body did not arrive in time.";
            Err(error(StatusCode::REQUEST_TIMEOUT, "body_timeout", detail))
        }
    }
}
