use http::{
    HeaderValue, Response, StatusCode,
    header::{RETRY_AFTER, WWW_AUTHENTICATE},
};

use crate::error::{AuthError, AuthErrorKind, log_rejection};

use super::Rejection;

/// The complete response to a request rejected because of `error`, outside a layer.
pub(crate) fn respond<B>(
    rejection: &impl Rejection<B>,
    error: AuthError,
    realm: &str,
) -> Response<B> {
    respond_with(rejection, error, |error| error.challenge(realm))
}

/// The complete response to a request rejected because of `error`.
pub(crate) fn respond_with<B>(
    rejection: &impl Rejection<B>,
    error: AuthError,
    challenge: impl FnOnce(&AuthError) -> HeaderValue,
) -> Response<B> {
    let kind = error.kind();
    log(&error);
    let mut response = rejection.reject(&error);
    let needs_challenge =
        kind.status() == StatusCode::UNAUTHORIZED || kind.challenge_error().is_some();
    if needs_challenge && !response.headers().contains_key(WWW_AUTHENTICATE) {
        response.headers_mut().insert(WWW_AUTHENTICATE, challenge(&error));
    }
    if let Some(wait) = error.retry_after() {
        response
            .headers_mut()
            .entry(RETRY_AFTER)
            .or_insert_with(|| HeaderValue::from(wait.as_secs()));
    }
    response.extensions_mut().insert(error);
    response
}

/// Logs a rejection. An error of the client is common, so its level is `DEBUG`.
pub(crate) fn log(error: &AuthError) {
    if error.kind() == AuthErrorKind::Misconfigured {
        log_rejection!(error, error, "request rejected: the application is misconfigured");
    } else if error.retry_after().is_some() {
        log_rejection!(warn, error, "request rejected: a required service is unavailable");
    } else {
        log_rejection!(debug, error, "request rejected");
    }
}
