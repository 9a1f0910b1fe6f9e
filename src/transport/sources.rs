use std::borrow::Cow;

use http::{HeaderMap, HeaderValue, Request, header::AUTHORIZATION};

use crate::error::AuthErrorKind;

#[cfg(feature = "openapi")]
use super::place::TokenPlace;
#[cfg(feature = "cookie")]
use super::session::SessionCookies;
use super::{
    authorization,
    cookie_sources::CookieSources,
    cross_site::RequestHead,
    explicit::Explicit,
    found::{Carrier, FoundToken},
    header::single_value,
    source::{Place, TokenSource},
    token68::check_token68_start,
};

/// The sources of a layer. There is at least one.
#[derive(Clone, Debug)]
pub(crate) struct TokenSources {
    /// Beside the others, because most layers have no others.
    first: Option<Explicit>,
    others: Vec<Explicit>,
    cookies: Option<Box<CookieSources>>,
    /// Whether the `Authorization` header with the scheme `DPoP` is a source.
    has_dpop: bool,
    /// Whether a token must be removed from the headers before the request is passed on.
    has_protocol: bool,
    /// Whether tokens may be others than JWTs.
    are_opaque: bool,
}

impl TokenSources {
    pub(crate) fn only(source: TokenSource) -> Self {
        let (first, others, cookies) = (None, Vec::new(), None);
        let (has_dpop, has_protocol, are_opaque) = (false, false, false);
        Self { first, others, cookies, has_dpop, has_protocol, are_opaque }.and(source)
    }

    /// The same for `source` alone, and the scheme `DPoP` if it is a source.
    pub(crate) fn replaced_by(&self, source: TokenSource) -> Self {
        Self { has_dpop: self.has_dpop, are_opaque: self.are_opaque, ..Self::only(source) }
    }

    /// Finds tokens of any form. Default: only what may be a JWT.
    #[cfg(feature = "introspection")]
    pub(crate) fn accepting_opaque(self) -> Self {
        Self { are_opaque: true, ..self }
    }

    pub(crate) fn and(mut self, source: TokenSource) -> Self {
        match source.0 {
            Place::Cookie(name) => self.cookies.get_or_insert_default().add(name),
            Place::Explicit(source) => {
                self.has_protocol |= source.is_protocol();
                if self.first.is_none() {
                    self.first = Some(source);
                } else if self.explicit().all(|other| *other != source) {
                    self.others.push(source);
                }
            }
        }
        self
    }

    /// Adds the `Authorization` header with the scheme `DPoP` (RFC 9449 section 7.1).
    pub(crate) fn and_dpop(self) -> Self {
        Self { has_dpop: true, ..self }
    }

    #[cfg(feature = "cookie")]
    pub(crate) fn and_session(mut self, cookies: &SessionCookies) -> Self {
        self.cookies.get_or_insert_default().set_session(cookies);
        self
    }

    /// The token of `request`. Fails if the client has put tokens into several places, because they
    /// may come from different parties.
    ///
    /// Browsers add cookies by themselves. They are not read if the client has put credentials
    /// anywhere.
    pub(crate) fn find<'r, B>(
        &self,
        request: &'r Request<B>,
    ) -> Result<Option<FoundToken<'r>>, AuthErrorKind> {
        let headers = request.headers();
        if self.has_dpop
            && let Some(token) = self.check_start(find_dpop(headers)?)?
        {
            let other = self.find_explicit(headers, request.uri().query())?;
            return match other {
                // The scheme may also be that of another source.
                Some(other) if !std::ptr::eq(other, token) => Err(AuthErrorKind::InvalidRequest),
                _ => Ok(Some(FoundToken { token, carrier: Carrier::Dpop })),
            };
        }
        match (self.find_explicit(headers, request.uri().query())?, &self.cookies) {
            (Some(token), _) => {
                let is_encoded = self.are_opaque && self.is_encoded(token, request.uri().query());
                let carrier = if is_encoded { Carrier::EncodedQuery } else { Carrier::Explicit };
                Ok(Some(FoundToken { token, carrier }))
            }
            (None, Some(cookies)) if !self.has_explicit_credentials(headers) => {
                cookies.find(RequestHead::from(request))
            }
            (None, _) => Ok(None),
        }
    }

    #[inline]
    fn find_explicit<'r>(
        &self,
        headers: &'r HeaderMap,
        query: Option<&'r str>,
    ) -> Result<Option<&'r [u8]>, AuthErrorKind> {
        let Some(first) = &self.first else { return Ok(None) };
        let mut found = self.find_in(first, headers, query)?;
        for source in &self.others {
            match (found, self.find_in(source, headers, query)?) {
                // Two sources that find the same bytes have found one token.
                (Some(first), Some(second)) if !std::ptr::eq(first, second) => {
                    return Err(AuthErrorKind::InvalidRequest);
                }
                (None, token) => found = token,
                (Some(_), _) => {}
            }
        }
        Ok(found)
    }

    #[inline]
    fn find_in<'r>(
        &self,
        source: &Explicit,
        headers: &'r HeaderMap,
        query: Option<&'r str>,
    ) -> Result<Option<&'r [u8]>, AuthErrorKind> {
        self.check_start(source.find(headers, query)?)
    }

    #[inline]
    fn check_start<'r>(&self, token: Option<&'r [u8]>) -> Result<Option<&'r [u8]>, AuthErrorKind> {
        match token {
            Some(token) if !self.are_opaque => check_token68_start(token).map(Some),
            token => Ok(token),
        }
    }

    /// Whether `token` is percent-encoded in the query.
    fn is_encoded(&self, token: &[u8], query: Option<&str>) -> bool {
        token.contains(&b'%')
            && self.explicit().any(|source| match source.find_in_query(query) {
                Ok(Some(found)) => std::ptr::eq(found, token),
                _ => false,
            })
    }

    /// Whether the client has put credentials of any scheme into a header.
    fn has_explicit_credentials(&self, headers: &HeaderMap) -> bool {
        headers.contains_key(AUTHORIZATION)
            || self.explicit().any(|source| source.is_present(headers))
    }

    fn explicit(&self) -> impl Iterator<Item = &Explicit> {
        self.first.iter().chain(&self.others)
    }

    #[cfg(feature = "openapi")]
    pub(crate) fn places(&self) -> impl Iterator<Item = TokenPlace<'_>> {
        let cookies = self.cookies.iter().flat_map(|cookies| cookies.names());
        self.explicit().map(Explicit::place).chain(cookies.map(TokenPlace::Cookie))
    }

    /// Whether the responses to rejected requests may delete a cookie.
    #[cfg(feature = "openapi")]
    pub(crate) fn delete_cookies(&self) -> bool {
        self.cookies.as_ref().is_some_and(|cookies| cookies.delete_cookies())
    }

    /// Removes tokens that the inner service must not see, because it may send them back.
    pub(crate) fn remove_tokens(&self, headers: &mut HeaderMap) {
        if self.has_protocol {
            for source in self.explicit() {
                source.remove_tokens(headers);
            }
        }
    }

    /// The `Set-Cookie` header for the response to a request that was rejected because of `error`.
    #[inline]
    pub(crate) fn clearing(&self, carrier: Carrier, error: AuthErrorKind) -> Option<&HeaderValue> {
        match carrier {
            Carrier::Explicit | Carrier::EncodedQuery | Carrier::Dpop => None,
            Carrier::Cookie(index) => self.cookies.as_ref()?.clearing(index, error),
        }
    }
}

fn find_dpop(headers: &HeaderMap) -> Result<Option<&[u8]>, AuthErrorKind> {
    authorization::find(single_value(headers, &AUTHORIZATION)?, &[Cow::Borrowed("DPoP")])
}
