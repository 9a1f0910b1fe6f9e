use axum::{extract::Request, response::Response};
use http::{
    HeaderValue,
    header::{AUTHORIZATION, SET_COOKIE},
};

use crate::issue::Issuer;

use super::super::rejection::RouteRejection;

/// The state of the handlers.
pub(in crate::routes) struct SessionList<C, R> {
    pub(in crate::routes) issuer: Issuer<C, R>,
    pub(in crate::routes) rejection: RouteRejection,
    /// Whether logins label their sessions.
    pub(in crate::routes) has_labels: bool,
    /// The `Set-Cookie` headers for a browser whose session was ended. Empty without cookies.
    pub(in crate::routes) clear_cookies: Vec<HeaderValue>,
}

impl<C, R> SessionList<C, R> {
    /// Clears the cookies of a request whose session was ended, if it came with cookies.
    pub(super) fn ended(&self, request: &Request, mut response: Response) -> Response {
        if !request.headers().contains_key(AUTHORIZATION) {
            for cookie in &self.clear_cookies {
                response.headers_mut().append(SET_COOKIE, cookie.clone());
            }
        }
        response
    }
}
