use cookie::{
    Cookie,
    time::{self, OffsetDateTime},
};
use http::HeaderValue;

/// Browsers need not keep longer cookies: [RFC 6265 section 6.1]. The length is that of the name, the
/// value and the attributes.
///
/// [RFC 6265 section 6.1]: https://www.rfc-editor.org/rfc/rfc6265#section-6.1
pub(super) const MAX_COOKIE_LEN: usize = 4096;

/// A cookie without its value: the attributes are the same whenever it is set or cleared.
#[derive(Clone, Debug)]
pub(super) struct Template(pub(super) Cookie<'static>);

impl Template {
    pub(super) const fn new(attributes: Cookie<'static>) -> Self {
        Self(attributes)
    }

    pub(super) fn name(&self) -> &str {
        self.0.name()
    }

    /// The header that makes a browser delete the cookie.
    pub(super) fn clear(&self) -> HeaderValue {
        let mut cookie = self.0.clone();
        cookie.set_max_age(time::Duration::ZERO);
        // For the few clients that do not know `Max-Age`.
        cookie.set_expires(OffsetDateTime::UNIX_EPOCH);
        HeaderValue::try_from(cookie.to_string()).expect("the builder has checked each attribute")
    }
}
