use http::{HeaderMap, HeaderValue};

use crate::error::AuthErrorKind;

#[cfg(feature = "cookie")]
use super::session::SessionCookies;
use super::{
    cookie,
    cross_site::{CrossSiteRule, Initiator, RequestHead},
    found::{Carrier, FoundToken},
};

/// The cookies that a layer reads.
#[derive(Clone, Debug, Default)]
pub(super) struct CookieSources {
    cookies: Vec<CookieSource>,
    rule: CrossSiteRule,
    #[cfg(feature = "cookie")]
    session: Option<SessionCookies>,
}

#[derive(Clone, Debug)]
struct CookieSource {
    name: Box<str>,
    /// The `Set-Cookie` header that deletes it, if its attributes are known.
    clear: Option<HeaderValue>,
}

impl CookieSources {
    pub(super) fn add(&mut self, name: Box<str>) {
        if !self.cookies.iter().any(|cookie| cookie.name == name) {
            self.cookies.push(CookieSource { name, clear: None });
        }
    }

    #[cfg(feature = "openapi")]
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.cookies.iter().map(|cookie| &*cookie.name)
    }

    /// Whether responses may delete a cookie.
    #[cfg(feature = "openapi")]
    pub(super) fn delete_cookies(&self) -> bool {
        self.cookies.iter().any(|cookie| cookie.clear.is_some())
    }

    /// The token of a request without a token elsewhere. Fails if another site may have caused the
    /// request.
    pub(super) fn find<'r>(
        &self,
        request: RequestHead<'r>,
    ) -> Result<Option<FoundToken<'r>>, AuthErrorKind> {
        let found = self.find_in(request.headers);
        if !matches!(found, Ok(None)) && !self.is_trusted(request) {
            return Err(AuthErrorKind::CrossSiteRequest);
        }
        found
    }

    fn find_in<'r>(&self, headers: &'r HeaderMap) -> Result<Option<FoundToken<'r>>, AuthErrorKind> {
        let mut found = None;
        for (index, cookie) in (0..=u8::MAX).zip(&self.cookies) {
            if let Some(token) = cookie::find(headers, &cookie.name)? {
                let token = FoundToken { token, carrier: Carrier::Cookie(index) };
                if found.replace(token).is_some() {
                    return Err(AuthErrorKind::InvalidRequest);
                }
            }
        }
        Ok(found)
    }

    fn is_trusted(&self, request: RequestHead<'_>) -> bool {
        match self.rule.initiator(request) {
            Initiator::Trusted => true,
            Initiator::Unknown => self.has_double_submit(request.headers),
            Initiator::Other => false,
        }
    }

    /// A header that deletes the cookie of a request that was rejected because of `error`.
    ///
    /// The cookie is deleted only if its token can never be valid. A token that was valid once is
    /// kept: the browser may have received its successor meanwhile, in another tab, and would delete
    /// that.
    pub(super) fn clearing(&self, cookie: u8, error: AuthErrorKind) -> Option<&HeaderValue> {
        match error {
            AuthErrorKind::Malformed
            | AuthErrorKind::TooLong
            | AuthErrorKind::UnknownKey
            | AuthErrorKind::InvalidSignature
            | AuthErrorKind::WrongTokenType
            | AuthErrorKind::WrongIssuer
            | AuthErrorKind::WrongAudience
            | AuthErrorKind::InvalidClaims => self.cookies.get(usize::from(cookie))?.clear.as_ref(),
            _ => None,
        }
    }
}

#[cfg(feature = "cookie")]
impl CookieSources {
    pub(super) fn set_session(&mut self, session: &SessionCookies) {
        let name = session.access_name();
        let previous = self.session.as_ref().map(SessionCookies::access_name);
        self.cookies.retain(|cookie| *cookie.name != *name && Some(&*cookie.name) != previous);
        self.cookies.push(CookieSource { name: name.into(), clear: Some(session.clear_access()) });
        self.rule = session.rule().clone();
        self.session = Some(session.clone());
    }

    fn has_double_submit(&self, headers: &HeaderMap) -> bool {
        self.session.as_ref().is_some_and(|session| session.has_double_submit(headers))
    }
}

#[cfg(not(feature = "cookie"))]
impl CookieSources {
    #[allow(clippy::unused_self, reason = "the feature `cookie` needs it")]
    fn has_double_submit(&self, _: &HeaderMap) -> bool {
        false
    }
}
