//! Where a token travels in a request.

mod authorization;
mod cookie;
mod query;

use std::borrow::Cow;

use http::{HeaderMap, HeaderName, Request, header::AUTHORIZATION};

use crate::error::{AuthErrorKind, ConfigError};

/// How much is read of a text that cannot be a token.
const GARBAGE_READ: usize = 64;

/// A place in a request where a token may stand.
///
/// ```
/// use tower_jwt_auth::transport::TokenSource;
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let header = TokenSource::authorization(["Bearer", "JWT"])?;
/// let cookie = TokenSource::cookie("access")?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenSource(Place);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Place {
    /// `Scheme token`.
    Credentials {
        header: HeaderName,
        schemes: Vec<Cow<'static, str>>,
    },
    /// The bare token.
    Header(HeaderName),
    Cookie(Box<str>),
    Query(Box<str>),
}

impl TokenSource {
    /// The `Authorization` header with the scheme `Bearer`, in any case ([RFC 6750 section 2.1]).
    ///
    /// [RFC 6750 section 2.1]: https://www.rfc-editor.org/rfc/rfc6750#section-2.1
    #[must_use]
    pub fn bearer() -> Self {
        let schemes = vec![Cow::Borrowed("Bearer")];
        Self(Place::Credentials { header: AUTHORIZATION, schemes })
    }

    /// The `Authorization` header with one of `schemes`, in any case.
    ///
    /// # Errors
    ///
    /// When there is no scheme, or one is not a token of [RFC 9110 section 5.6.2].
    ///
    /// [RFC 9110 section 5.6.2]: https://www.rfc-editor.org/rfc/rfc9110#section-5.6.2
    pub fn authorization<S>(schemes: impl IntoIterator<Item = S>) -> Result<Self, ConfigError>
    where
        S: Into<Cow<'static, str>>,
    {
        Self::credentials(AUTHORIZATION, schemes)
    }

    /// Another header of the form `Scheme token`, with one of `schemes`, in any case.
    ///
    /// # Errors
    ///
    /// As [`authorization`](Self::authorization).
    pub fn credentials<S>(
        header: HeaderName,
        schemes: impl IntoIterator<Item = S>,
    ) -> Result<Self, ConfigError>
    where
        S: Into<Cow<'static, str>>,
    {
        let schemes: Vec<_> = schemes.into_iter().map(Into::into).collect();
        if schemes.is_empty() || !schemes.iter().all(|scheme| is_token(scheme)) {
            return Err(ConfigError::ineffective(
                "an authorization scheme is missing or not a token of RFC 9110",
            ));
        }
        Ok(Self(Place::Credentials { header, schemes }))
    }

    /// Another header, which holds nothing but the token.
    #[must_use]
    pub fn header(name: HeaderName) -> Self {
        Self(Place::Header(name))
    }

    /// A cookie.
    ///
    /// Browsers send cookies by themselves, also on requests that other sites make them send. Use
    /// this only for routes that change nothing, or together with protection against request
    /// forgery.
    ///
    /// # Errors
    ///
    /// When the name is not one that [RFC 6265] allows.
    ///
    /// [RFC 6265]: https://www.rfc-editor.org/rfc/rfc6265#section-4.1.1
    pub fn cookie(name: impl Into<Box<str>>) -> Result<Self, ConfigError> {
        let name = name.into();
        if is_token(&name) {
            Ok(Self(Place::Cookie(name)))
        } else {
            Err(ConfigError::out_of_range("the name of a cookie must be a token of RFC 9110"))
        }
    }

    /// A parameter of the query string.
    ///
    /// Insecure: URLs are written into logs, histories and `Referer` headers. For clients that can
    /// send nothing else, such as a browser's `WebSocket`, and then with short-lived tokens only.
    ///
    /// # Errors
    ///
    /// When the name is empty, or holds anything but ASCII letters, digits, `-`, `.`, `_` and `~`:
    /// clients may percent-encode the rest.
    pub fn insecure_query(name: impl Into<Box<str>>) -> Result<Self, ConfigError> {
        let name = name.into();
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
        if !name.is_empty() && name.bytes().all(allowed) {
            Ok(Self(Place::Query(name)))
        } else {
            Err(ConfigError::out_of_range("the name of a parameter must need no percent-encoding"))
        }
    }

    fn find<'r>(
        &self,
        headers: &'r HeaderMap,
        query: Option<&'r str>,
    ) -> Result<Option<&'r [u8]>, AuthErrorKind> {
        match &self.0 {
            Place::Credentials { header, schemes } => {
                authorization::find(single(headers, header)?, schemes)
            }
            Place::Header(header) => single(headers, header)?.map(like_token68).transpose(),
            Place::Cookie(name) => cookie::find(headers, name),
            Place::Query(name) => query::find(query.unwrap_or_default(), name),
        }
    }
}

/// The places a layer looks at, in their order; never none.
#[derive(Clone, Debug)]
pub(crate) struct TokenSources {
    first: TokenSource,
    others: Vec<TokenSource>,
}

impl TokenSources {
    pub(crate) const fn only(source: TokenSource) -> Self {
        Self { first: source, others: Vec::new() }
    }

    pub(crate) fn and(mut self, source: TokenSource) -> Self {
        if source != self.first && !self.others.contains(&source) {
            self.others.push(source);
        }
        self
    }

    /// The one token of a request. Tokens in several places are refused, since whoever put the
    /// second there may not be whoever put the first.
    pub(crate) fn find<'r, B>(
        &self,
        request: &'r Request<B>,
    ) -> Result<Option<&'r [u8]>, AuthErrorKind> {
        let (headers, query) = (request.headers(), request.uri().query());
        let mut found = self.first.find(headers, query)?;
        for source in &self.others {
            match (found, source.find(headers, query)?) {
                // One text that two sources describe is still one token.
                (Some(first), Some(second)) if !std::ptr::eq(first, second) => {
                    return Err(AuthErrorKind::InvalidRequest);
                }
                (None, token) => found = token,
                (Some(_), _) => {}
            }
        }
        Ok(found)
    }
}

/// The value of a header that may stand in a request once.
fn single<'r>(
    headers: &'r HeaderMap,
    name: &HeaderName,
) -> Result<Option<&'r [u8]>, AuthErrorKind> {
    let mut values = headers.get_all(name).iter();
    match (values.next(), values.next()) {
        (value, None) => Ok(value.map(http::HeaderValue::as_bytes)),
        _ => Err(AuthErrorKind::InvalidRequest),
    }
}

/// Refuses a long text whose beginning shows that it is no token: no more of it is read.
///
/// Whether the others are [`token68`](is_token68) need only be asked of those that are refused.
fn like_token68(bytes: &[u8]) -> Result<&[u8], AuthErrorKind> {
    match bytes.get(..GARBAGE_READ) {
        Some(start) if !begins_like_a_token(start) && is_token68(start) => {
            Err(AuthErrorKind::Malformed)
        }
        Some(start) if !begins_like_a_token(start) => Err(AuthErrorKind::InvalidRequest),
        _ => Ok(bytes),
    }
}

/// Whether `bytes` are `token68` of
/// [RFC 9110 section 11.2](https://www.rfc-editor.org/rfc/rfc9110#section-11.2).
pub(crate) fn is_token68(bytes: &[u8]) -> bool {
    let padding = bytes.iter().rev().take_while(|byte| **byte == b'=').count();
    let unpadded = &bytes[..bytes.len() - padding];
    // No way out of the loop, so that it is compiled to instructions that look at many bytes.
    let rest = unpadded.iter().fold(0, |rest, byte| beyond_token68(*byte).max(rest));
    rest == 0 && !unpadded.is_empty()
}

/// A token begins with the encoding of a JSON object: of `{`, or of the white space before it.
fn begins_like_a_token(bytes: &[u8]) -> bool {
    matches!(bytes.first(), Some(b'e' | b'C' | b'D' | b'I'))
}

/// Zero for letters, digits and `-._~+/`, of which `-`, `.`, `/` and the digits are neighbours.
fn beyond_token68(byte: u8) -> u8 {
    let letter = (byte | 0x20).wrapping_sub(b'a').saturating_sub(25);
    let neighbour = byte.wrapping_sub(b'-').saturating_sub(b'9' - b'-');
    letter.min(neighbour).min(byte ^ b'_').min(byte ^ b'~').min(byte ^ b'+')
}

fn is_token(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(is_token_byte)
}

fn is_token_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}
