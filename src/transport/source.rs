use std::borrow::Cow;

use http::{HeaderMap, HeaderName, header::AUTHORIZATION};

use crate::error::{AuthErrorKind, ConfigError};

use super::{
    authorization, cookie,
    header::single_value,
    query,
    token68::{check_token68_start, is_token},
};

/// A place in a request from which a layer reads the token.
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
    /// A header with `Scheme token`.
    Credentials {
        header: HeaderName,
        schemes: Vec<Cow<'static, str>>,
    },
    /// A header with the token alone.
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
    /// If `schemes` is empty, or one of them is not a token of [RFC 9110 section 5.6.2].
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
        if schemes.is_empty() {
            return Err(ConfigError::ineffective(
                "a `TokenSource` needs at least one authentication scheme",
            ));
        }
        if !schemes.iter().all(|scheme| is_token(scheme)) {
            return Err(ConfigError::out_of_range(
                "an authentication scheme of a `TokenSource` must be a token of RFC 9110",
            ));
        }
        Ok(Self(Place::Credentials { header, schemes }))
    }

    /// A header that contains the token alone.
    #[must_use]
    pub fn header(name: HeaderName) -> Self {
        Self(Place::Header(name))
    }

    /// A cookie.
    ///
    /// <div class="warning">
    ///
    /// Browsers add cookies to requests by themselves, also to those that other sites cause. Use a
    /// cookie only on routes that change nothing, or together with protection against cross-site
    /// request forgery.
    ///
    /// </div>
    ///
    /// # Errors
    ///
    /// If the name is not allowed by [RFC 6265].
    ///
    /// [RFC 6265]: https://www.rfc-editor.org/rfc/rfc6265#section-4.1.1
    pub fn cookie(name: impl Into<Box<str>>) -> Result<Self, ConfigError> {
        let name = name.into();
        if is_token(&name) {
            Ok(Self(Place::Cookie(name)))
        } else {
            Err(ConfigError::out_of_range(
                "the cookie name of a `TokenSource` must be a token of RFC 9110",
            ))
        }
    }

    /// A parameter of the query string.
    ///
    /// <div class="warning">
    ///
    /// URLs are written to logs, browser histories and `Referer` headers. Use a parameter only for
    /// clients that cannot send a header, such as a browser's `WebSocket`, and only with
    /// short-lived tokens.
    ///
    /// </div>
    ///
    /// # Errors
    ///
    /// If the name is empty or contains anything but ASCII letters, digits, `-`, `.`, `_` and `~`.
    /// Clients may percent-encode all other characters.
    pub fn insecure_query(name: impl Into<Box<str>>) -> Result<Self, ConfigError> {
        let name = name.into();
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
        if !name.is_empty() && name.bytes().all(allowed) {
            Ok(Self(Place::Query(name)))
        } else {
            Err(ConfigError::out_of_range(
                "the parameter name of a `TokenSource` must consist of ASCII letters, digits and \
                 -._~",
            ))
        }
    }

    pub(super) fn find<'r>(
        &self,
        headers: &'r HeaderMap,
        query: Option<&'r str>,
    ) -> Result<Option<&'r [u8]>, AuthErrorKind> {
        match &self.0 {
            Place::Credentials { header, schemes } => {
                authorization::find(single_value(headers, header)?, schemes)
            }
            Place::Header(header) => {
                single_value(headers, header)?.map(check_token68_start).transpose()
            }
            Place::Cookie(name) => cookie::find(headers, name),
            Place::Query(name) => query::find(query.unwrap_or_default(), name),
        }
    }
}
