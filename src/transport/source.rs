use std::borrow::Cow;

use http::{HeaderName, header::AUTHORIZATION};

use crate::error::ConfigError;

use super::{explicit::Explicit, token68::is_token, websocket_protocol::WebSocketProtocol};

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
pub struct TokenSource(pub(super) Place);

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Place {
    Explicit(Explicit),
    Cookie(Box<str>),
}

impl From<Explicit> for TokenSource {
    fn from(explicit: Explicit) -> Self {
        Self(Place::Explicit(explicit))
    }
}

impl TokenSource {
    /// The `Authorization` header with the scheme `Bearer`, in any case ([RFC 6750 section 2.1]).
    ///
    /// [RFC 6750 section 2.1]: https://www.rfc-editor.org/rfc/rfc6750#section-2.1
    #[must_use]
    pub fn bearer() -> Self {
        let schemes = vec![Cow::Borrowed("Bearer")];
        Explicit::Credentials { header: AUTHORIZATION, schemes }.into()
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
        Ok(Explicit::Credentials { header, schemes }.into())
    }

    /// A header that contains the token alone.
    #[must_use]
    pub fn header(name: HeaderName) -> Self {
        Explicit::Header(name).into()
    }

    /// A cookie. It is read only if no other source has a token and the request has no
    /// `Authorization` header.
    ///
    /// Requests that another site caused are rejected with `403`: see the
    /// [module docs](super#cross-site-requests). For cookies that the session routes set, use
    /// [`JwtAuthLayer::with_cookies`](crate::JwtAuthLayer::with_cookies).
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

    /// The list of protocols of a WebSocket, for browsers, whose `WebSocket` cannot set other headers.
    ///
    /// With the name `bearer`, the client passes its token in one of these ways:
    ///
    /// ```js
    /// new WebSocket(url, ["bearer", token]);
    /// new WebSocket(url, ["bearer", token, "chat"]);
    /// new WebSocket(url, ["chat", `bearer.${token}`]);
    /// ```
    ///
    /// The layer removes the token from `Sec-WebSocket-Protocol` before it calls the inner service,
    /// so that no handler logs it or sends it back. The name of the first two forms stays in the list:
    /// a browser closes the connection unless the response selects one of its protocols, so the
    /// handler must select `bearer` or `chat`. With axum:
    ///
    /// ```
    /// # use tower_jwt_auth::transport::TokenSource;
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let source = TokenSource::websocket_protocol("bearer")?;
    /// # Ok(())
    /// # }
    /// // In the handler: upgrade.protocols(["chat", "bearer"]).on_upgrade(…)
    /// ```
    ///
    /// # Errors
    ///
    /// If the name is not a token of [RFC 9110 section 5.6.2].
    ///
    /// [RFC 9110 section 5.6.2]: https://www.rfc-editor.org/rfc/rfc9110#section-5.6.2
    pub fn websocket_protocol(name: impl Into<Box<str>>) -> Result<Self, ConfigError> {
        let name = name.into();
        if is_token(&name) {
            Ok(Explicit::WebSocketProtocol(WebSocketProtocol::new(name)).into())
        } else {
            Err(ConfigError::out_of_range(
                "the protocol of a `TokenSource` must be a token of RFC 9110",
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
    /// With an [introspection](crate::JwtAuthLayer::with_introspection), the token may be
    /// percent-encoded, because opaque tokens can have `+`, `/` and `=`. A JWT needs no encoding, and a
    /// layer that accepts only JWTs rejects an encoded one.
    ///
    /// # Errors
    ///
    /// If the name is empty or contains anything but ASCII letters, digits, `-`, `.`, `_` and `~`.
    /// Clients may percent-encode all other characters.
    pub fn insecure_query(name: impl Into<Box<str>>) -> Result<Self, ConfigError> {
        let name = name.into();
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
        if !name.is_empty() && name.bytes().all(allowed) {
            Ok(Explicit::Query(name).into())
        } else {
            Err(ConfigError::out_of_range(
                "the parameter name of a `TokenSource` must consist of ASCII letters, digits and \
                 -._~",
            ))
        }
    }
}
