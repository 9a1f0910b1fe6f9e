use http::HeaderValue;

use crate::issue::Issuer;

use super::super::{body_reader::BodyReader, rejection::RouteRejection};

/// The state of the handlers.
pub(in crate::routes) struct SessionList<C, R> {
    pub(in crate::routes) issuer: Issuer<C, R>,
    pub(in crate::routes) bodies: BodyReader,
    pub(in crate::routes) rejection: RouteRejection,
    /// Whether logins label their sessions.
    pub(in crate::routes) has_labels: bool,
    /// The `Set-Cookie` headers for a browser whose session was ended. Empty without cookies.
    pub(in crate::routes) clear_cookies: Vec<HeaderValue>,
}
