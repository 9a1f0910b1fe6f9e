use std::borrow::Cow;

use http::{HeaderMap, HeaderName, HeaderValue, header::AUTHORIZATION};

use crate::{
    error::ConfigError,
    simplejwt::{
        error::{Reason, SimpleJwtError},
        settings::Settings,
    },
    transport::TokenSource,
};

/// The header that carries the token, and the challenge for requests without one.
pub(in crate::simplejwt) struct HeaderSource {
    name: HeaderName,
    types: Vec<Box<str>>,
    pub(in crate::simplejwt) challenge: HeaderValue,
}

impl HeaderSource {
    pub(in crate::simplejwt) fn new(settings: &Settings) -> Result<Self, ConfigError> {
        let name = header_name(&settings.auth_header_name)?;
        let types = settings.auth_header_types.clone();
        // Checks that there is a scheme, and that each is a token of RFC 9110.
        TokenSource::credentials(AUTHORIZATION, types.iter().map(|scheme| scheme.to_string()))?;
        let challenge = types.first().map(|first| format!(r#"{first} realm="api""#));
        let challenge = challenge.and_then(|challenge| HeaderValue::try_from(challenge).ok());
        let challenge = challenge.ok_or(ConfigError::ineffective(
            "AUTH_HEADER_TYPES must hold at least one authorization scheme",
        ))?;
        Ok(Self { name, types, challenge })
    }

    /// The token of a request, found as `get_raw_token` finds it; `None` if there is none.
    pub(in crate::simplejwt) fn find<'r>(
        &self,
        headers: &'r HeaderMap,
    ) -> Result<Option<Cow<'r, [u8]>>, SimpleJwtError> {
        let mut lines = headers.get_all(&self.name).iter().map(HeaderValue::as_bytes);
        let value = match (lines.next(), lines.next()) {
            (None, _) => return Ok(None),
            (Some(line), None) => Cow::Borrowed(line),
            // WSGI servers join repeated headers with commas.
            (Some(first), Some(second)) => {
                let all: Vec<&[u8]> = [first, second].into_iter().chain(lines).collect();
                Cow::Owned(all.join(&b','))
            }
        };
        match value {
            Cow::Borrowed(line) => Ok(self.token_of(line)?.map(Cow::Borrowed)),
            Cow::Owned(line) => Ok(self.token_of(&line)?.map(|token| Cow::Owned(token.to_owned()))),
        }
    }

    fn token_of<'v>(&self, value: &'v [u8]) -> Result<Option<&'v [u8]>, SimpleJwtError> {
        let is_blank = |byte: &u8| matches!(byte, b' ' | b'\t'..=b'\r');
        let mut parts = value.split(is_blank).filter(|part| !part.is_empty());
        let scheme = parts.next();
        if !self.types.iter().any(|accepted| Some(accepted.as_bytes()) == scheme) {
            return Ok(None);
        }
        match (parts.next(), parts.next()) {
            (Some(token), None) => Ok(Some(token)),
            _ => Err(Reason::MalformedHeader.into()),
        }
    }
}

/// The header that Django's `META` calls `HTTP_NAME`.
fn header_name(django_name: &str) -> Result<HeaderName, ConfigError> {
    let name = django_name.strip_prefix("HTTP_").map(|name| name.replace('_', "-"));
    let name = name.and_then(|name| name.parse().ok());
    name.ok_or(ConfigError::out_of_range(
        "AUTH_HEADER_NAME must be a header name in Django's form, such as HTTP_AUTHORIZATION",
    ))
}
