use http::{
    HeaderValue, Response,
    header::{RETRY_AFTER, WWW_AUTHENTICATE},
};

use crate::error::AuthError;

use super::{Rejection, record::record};

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
    record(&error);
    let mut response = rejection.reject(&error);
    if kind.has_challenge() {
        let challenge = || challenge(&error);
        response.headers_mut().entry(WWW_AUTHENTICATE).or_insert_with(challenge);
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
