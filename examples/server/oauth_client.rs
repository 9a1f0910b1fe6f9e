//! The one client that may introspect and revoke tokens.

use aws_lc_rs::{
    constant_time,
    digest::{Digest, SHA256, digest},
};
use axum::{
    Json,
    extract::{Request, State},
    http::{
        HeaderMap, StatusCode,
        header::{AUTHORIZATION, CACHE_CONTROL, WWW_AUTHENTICATE},
    },
    middleware::Next,
    response::{IntoResponse, Response},
};
use base64::{Engine, prelude::BASE64_STANDARD};
use serde_json::json;

use crate::settings::setting;

/// The path of the OAuth endpoints.
pub(crate) const OAUTH: &str = "/oauth";

/// The digest of the client's HTTP Basic credentials. Comparing digests takes the same time
/// whatever a request sends.
#[derive(Clone)]
pub(crate) struct OAuthClient(Digest);

impl OAuthClient {
    pub(crate) fn from_env() -> Result<Option<Self>, String> {
        let client = setting("OAUTH_CLIENT", "")?;
        if client.is_empty() {
            return Ok(None);
        }
        // RFC 6749 section 2.3.1 lets clients encode any other character in several ways.
        let is_plain = |text: &str| {
            text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._".contains(&byte))
        };
        match client.split_once(':') {
            Some((id, secret))
                if !id.is_empty() && secret.len() >= 32 && is_plain(id) && is_plain(secret) =>
            {
                let credentials = BASE64_STANDARD.encode(&client);
                Ok(Some(Self(digest(&SHA256, credentials.as_bytes()))))
            }
            // The message does not show the value, since it contains a secret.
            _ => {
                Err("OAUTH_CLIENT must be id:secret of letters, digits and -._, with at least 32 \
                      characters in the secret"
                    .to_owned())
            }
        }
    }

    fn authenticates(&self, headers: &HeaderMap) -> bool {
        let mut lines = headers.get_all(AUTHORIZATION).iter();
        let (Some(line), None) = (lines.next(), lines.next()) else {
            return false;
        };
        let Some((scheme, credentials)) = line.to_str().ok().and_then(|line| line.split_once(' '))
        else {
            return false;
        };
        let received = digest(&SHA256, credentials.as_bytes());
        scheme.eq_ignore_ascii_case("basic")
            && constant_time::verify_slices_are_equal(self.0.as_ref(), received.as_ref()).is_ok()
    }
}

/// Rejects every other client as RFC 6749 section 5.2 requires.
pub(crate) async fn require_client(
    State(client): State<OAuthClient>,
    request: Request,
    next: Next,
) -> Response {
    if client.authenticates(request.headers()) {
        return next.run(request).await;
    }
    let headers = [(WWW_AUTHENTICATE, "Basic realm=\"oauth\""), (CACHE_CONTROL, "no-store")];
    let body = json!({ "error": "invalid_client" });
    (StatusCode::UNAUTHORIZED, headers, Json(body)).into_response()
}
