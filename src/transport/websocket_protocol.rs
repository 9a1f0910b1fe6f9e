//! The header `Sec-WebSocket-Protocol`, a list of protocols that a client offers.

use std::mem;

use http::{
    HeaderMap, HeaderValue,
    header::{Entry, SEC_WEBSOCKET_PROTOCOL},
};

use crate::error::AuthErrorKind;

/// The name of the protocol whose next one is a token, or that a token follows after a dot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct WebSocketProtocol(Box<str>);

/// An offered protocol.
enum Item<'r> {
    Protocol(&'r [u8]),
    Token(&'r [u8]),
}

impl WebSocketProtocol {
    pub(super) const fn new(name: Box<str>) -> Self {
        Self(name)
    }

    pub(super) fn find<'r>(
        &self,
        headers: &'r HeaderMap,
    ) -> Result<Option<&'r [u8]>, AuthErrorKind> {
        let mut tokens = self.items(headers).filter_map(|item| match item {
            Item::Token(token) => Some(token),
            Item::Protocol(_) => None,
        });
        match (tokens.next(), tokens.next()) {
            (None, None) if self.is_last(headers) => Err(AuthErrorKind::InvalidRequest),
            (None, _) => Ok(None),
            (Some(token), None) => Ok(Some(token)),
            (Some(_), Some(_)) => Err(AuthErrorKind::InvalidRequest),
        }
    }

    /// Removes the tokens, and the header if no protocol remains.
    pub(super) fn remove_tokens(&self, headers: &mut HeaderMap) {
        let mut protocols = Vec::new();
        for item in self.items(headers) {
            if let Item::Protocol(protocol) = item {
                if !protocols.is_empty() {
                    protocols.extend_from_slice(b", ");
                }
                protocols.extend_from_slice(protocol);
            }
        }
        if let Entry::Occupied(mut lines) = headers.entry(SEC_WEBSOCKET_PROTOCOL) {
            match HeaderValue::from_bytes(&protocols) {
                Ok(protocols) if !protocols.is_empty() => {
                    lines.insert(protocols);
                }
                _ => {
                    lines.remove();
                }
            }
        }
    }

    fn items<'r>(&self, headers: &'r HeaderMap) -> impl Iterator<Item = Item<'r>> {
        let mut is_after_name = false;
        offered(headers).map(move |protocol| {
            let name = self.0.as_bytes();
            if mem::replace(&mut is_after_name, protocol == name) {
                return Item::Token(protocol);
            }
            match protocol.strip_prefix(name).and_then(|rest| rest.strip_prefix(b".")) {
                Some(token) => Item::Token(token),
                None => Item::Protocol(protocol),
            }
        })
    }

    /// Whether the name is offered without a token after it.
    fn is_last(&self, headers: &HeaderMap) -> bool {
        offered(headers).last() == Some(self.0.as_bytes())
    }
}

/// Clients may offer protocols in several fields: RFC 6455 section 11.3.4.
fn offered(headers: &HeaderMap) -> impl Iterator<Item = &[u8]> {
    headers
        .get_all(SEC_WEBSOCKET_PROTOCOL)
        .iter()
        .flat_map(|line| line.as_bytes().split(|byte| *byte == b','))
        .map(<[u8]>::trim_ascii)
        .filter(|protocol| !protocol.is_empty())
}
