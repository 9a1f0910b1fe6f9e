use http::{
    HeaderMap, HeaderName, HeaderValue, Response,
    header::{RETRY_AFTER, WWW_AUTHENTICATE},
};

use crate::error::{AuthError, AuthErrorKind};

use super::{Rejection, challenge::Challenges, record::record};

/// RFC 9449 section 8.
const DPOP_NONCE: HeaderName = HeaderName::from_static("dpop-nonce");

/// The complete response to a request rejected because of `error`, outside a layer.
pub(crate) fn respond<B>(
    rejection: &impl Rejection<B>,
    error: AuthError,
    realm: &str,
) -> Response<B> {
    complete(rejection, error, |error, headers| {
        if error.kind().is_dpop_error() {
            // Clients that know only one challenge read the first.
            let bearer = AuthError::from(AuthErrorKind::MissingCredentials);
            headers.insert(WWW_AUTHENTICATE, bearer.challenge(realm));
            headers.append(WWW_AUTHENTICATE, error.challenge(realm));
        } else if error.kind().has_challenge() {
            headers.insert(WWW_AUTHENTICATE, error.challenge(realm));
        }
    })
}

/// The complete response of a layer with these challenges.
pub(crate) fn respond_with<B>(
    rejection: &impl Rejection<B>,
    error: AuthError,
    challenges: &Challenges,
) -> Response<B> {
    complete(rejection, error, |error, headers| {
        if challenges.is_needed(error) {
            challenges.write(error, headers);
        }
    })
}

fn complete<B>(
    rejection: &impl Rejection<B>,
    error: AuthError,
    challenge: impl FnOnce(&AuthError, &mut HeaderMap),
) -> Response<B> {
    record(&error);
    let mut response = rejection.reject(&error);
    let headers = response.headers_mut();
    if !headers.contains_key(WWW_AUTHENTICATE) {
        challenge(&error, headers);
    }
    if let Some(wait) = error.retry_after() {
        headers.entry(RETRY_AFTER).or_insert_with(|| HeaderValue::from(wait.as_secs()));
    }
    if let Some(nonce) = error.dpop_nonce().and_then(|nonce| HeaderValue::from_str(nonce).ok()) {
        headers.insert(DPOP_NONCE, nonce);
    }
    response.extensions_mut().insert(error);
    response
}
