//! Where a request carries its token: headers, cookies and the query.
//!
//! A layer reads the token from its [`TokenSource`]s. A request with tokens in two of them is
//! rejected. Cookies come last: browsers add them to every request, so they are not read if the
//! request has a token elsewhere or an `Authorization` header, even a malformed one. A request with
//! two cookies of the same name is rejected with `400` and the code `repeated_cookie`, because another
//! site under the same domain may have set one of them.
//!
//! # Cross-site requests
//!
//! A page of another site can make a browser send a request, and the browser adds the cookies of the
//! user (cross-site request forgery). A request whose token comes from a cookie is therefore rejected
//! with `403` and the code `cross_site_request`, unless one of these is true:
//!
//! 1. The request changes nothing: its method is `GET`, `HEAD` or `OPTIONS`, and it does not open a
//!    WebSocket.
//! 2. [`Sec-Fetch-Site`] is `same-origin`, or `none`, as for an address that the user has typed.
//! 3. `Sec-Fetch-Site` is absent, as in old browsers, and `Origin` is the origin of the application:
//!    the [public one](SessionCookiesBuilder::public_origin), or else the host and port that the
//!    request addresses. With `Secure` cookies, its scheme must be `https`, except for `localhost`.
//! 4. `Origin` is an [allowed one](SessionCookiesBuilder::allow_origin), and `Sec-Fetch-Site` is
//!    absent, `same-site` or `cross-site`.
//! 5. Both headers are absent, and the request has the
//!    [signed token](SessionCookiesBuilder::double_submit) of its session, if that is configured.
//!
//! Another host of the same domain, or another port, is another origin. `Origin: null`, repeated
//! headers and unknown values are rejected. Requests with the token in a header are not concerned,
//! because other sites cannot add headers unless CORS permits it.
//!
//! A handler must not change anything on `GET`: rule 1 relies on it.
//!
//! [`Sec-Fetch-Site`]: https://www.w3.org/TR/fetch-metadata/#sec-fetch-site-header

mod authorization;
mod cookie;
mod cookie_sources;
mod cross_site;
mod explicit;
mod found;
mod header;
mod origin;
#[cfg(feature = "openapi")]
mod place;
mod query;
#[cfg(feature = "cookie")]
mod session;
mod source;
mod sources;
mod token68;
mod websocket_protocol;

pub(crate) use found::{Carrier, FoundToken};
#[cfg(feature = "openapi")]
pub(crate) use place::TokenPlace;
pub(crate) use query::decode as decode_query;
#[cfg(all(feature = "cookie", feature = "routes"))]
pub(crate) use session::NewCookies;
#[cfg(feature = "cookie")]
pub use session::{SameSite, SessionCookies, SessionCookiesBuilder};
pub use source::TokenSource;
pub(crate) use sources::TokenSources;
pub(crate) use token68::is_token68;
