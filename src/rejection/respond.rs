use http::{
    HeaderValue, Response,
    header::{RETRY_AFTER, WWW_AUTHENTICATE},
};

use crate::error::AuthError;

use super::{Rejection, challenge::Challenges, record::record};

/// The complete response to a request rejected because of `error`, outside a layer.
pub(crate) fn respond<B>(
    rejection: &impl Rejection<B>,
    error: AuthError,
    realm: &str,
) -> Response<B> {
    let challenge = error.kind().has_challenge().then(|| error.challenge(realm));
    complete(rejection, error, challenge)
}

/// The complete response of a layer with these challenges.
pub(crate) fn respond_with<B>(
    rejection: &impl Rejection<B>,
    error: AuthError,
    challenges: &Challenges,
) -> Response<B> {
    let challenge = challenges.is_needed(&error).then(|| challenges.of(&error));
    complete(rejection, error, challenge)
}

fn complete<B>(
    rejection: &impl Rejection<B>,
    error: AuthError,
    challenge: Option<HeaderValue>,
) -> Response<B> {
    record(&error);
    let mut response = rejection.reject(&error);
    if let Some(challenge) = challenge {
        response.headers_mut().entry(WWW_AUTHENTICATE).or_insert(challenge);
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
