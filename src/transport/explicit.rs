use std::borrow::Cow;

#[cfg(feature = "openapi")]
use http::header::{AUTHORIZATION, SEC_WEBSOCKET_PROTOCOL};
use http::{HeaderMap, HeaderName};

use crate::error::AuthErrorKind;

#[cfg(feature = "openapi")]
use super::place::TokenPlace;
use super::{authorization, header::single_value, query, websocket_protocol::WebSocketProtocol};

/// A place where only the client program itself puts a token. A browser does not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Explicit {
    /// A header with `Scheme token`.
    Credentials {
        header: HeaderName,
        schemes: Vec<Cow<'static, str>>,
    },
    /// A header with the token alone.
    Header(HeaderName),
    Query(Box<str>),
    WebSocketProtocol(WebSocketProtocol),
}

impl Explicit {
    #[inline]
    pub(super) fn find<'r>(
        &self,
        headers: &'r HeaderMap,
        query: Option<&'r str>,
    ) -> Result<Option<&'r [u8]>, AuthErrorKind> {
        match self {
            Self::Credentials { header, schemes } => {
                authorization::find(single_value(headers, header)?, schemes)
            }
            Self::Header(header) => single_value(headers, header),
            Self::Query(_) => self.find_in_query(query),
            Self::WebSocketProtocol(protocol) => protocol.find(headers),
        }
    }

    pub(super) fn find_in_query<'r>(
        &self,
        query: Option<&'r str>,
    ) -> Result<Option<&'r [u8]>, AuthErrorKind> {
        match self {
            Self::Query(name) => query::find(query.unwrap_or_default(), name),
            _ => Ok(None),
        }
    }

    /// Whether the request has the header for credentials, whatever is in it.
    pub(super) fn is_present(&self, headers: &HeaderMap) -> bool {
        match self {
            Self::Credentials { header, .. } | Self::Header(header) => headers.contains_key(header),
            Self::Query(_) | Self::WebSocketProtocol(_) => false,
        }
    }

    pub(super) const fn is_protocol(&self) -> bool {
        matches!(self, Self::WebSocketProtocol(_))
    }

    /// Removes the token from a header that the inner service may copy into its response.
    pub(super) fn remove_tokens(&self, headers: &mut HeaderMap) {
        if let Self::WebSocketProtocol(protocol) = self {
            protocol.remove_tokens(headers);
        }
    }

    #[cfg(feature = "openapi")]
    pub(super) fn place(&self) -> TokenPlace<'_> {
        let is_bearer = |schemes: &[Cow<'_, str>]| {
            schemes.iter().any(|scheme| scheme.eq_ignore_ascii_case("Bearer"))
        };
        match self {
            Self::Credentials { header, schemes }
                if *header == AUTHORIZATION && is_bearer(schemes) =>
            {
                TokenPlace::Bearer
            }
            Self::Credentials { header, .. } | Self::Header(header) => {
                TokenPlace::Header(header.as_str())
            }
            Self::Query(name) => TokenPlace::Query(name),
            Self::WebSocketProtocol(_) => TokenPlace::Header(SEC_WEBSOCKET_PROTOCOL.as_str()),
        }
    }
}
