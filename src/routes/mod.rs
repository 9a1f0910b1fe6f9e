//! Ready-made axum routes: [`TokenRoutes`] for clients that keep tokens, [`SessionRoutes`] (feature
//! `cookie`) for browsers, [`WellKnownRoutes`] and [`OAuthRoutes`] for other services,
//! [`BackChannelLogoutRoutes`] for identity providers.
//!
//! # Token routes
//!
//! | request | body | response |
//! |---|---|---|
//! | `POST /` | `{"username", "password"}` | `{"access", "refresh"}` |
//! | `POST /refresh` | `{"refresh"}` | `{"access"}`, with rotation also `"refresh"` |
//! | `POST /verify` | `{"token"}` | `{}` if the access or refresh token is valid; it stays unused |
//! | `POST /blacklist` | `{"refresh"}` | `{}` once the token's session has ended; may be repeated |
//!
//! For development pages, [`password_grant_path`](TokenRoutesBuilder::password_grant_path) adds the
//! password grant of OAuth 2.0.
//!
//! With [DPoP](crate::possession), a login with a proof returns tokens that are bound to its key, and
//! `"token_type": "DPoP"`. `/refresh` then needs a proof of the same key, `/blacklist` does not, and
//! `/verify` rejects bound tokens.
//!
//! Each path is served with and without a trailing slash. `/blacklist` exists only if the issuer has
//! a store. Request bodies are JSON objects in UTF-8, not compressed, and no object in them has
//! duplicate members.
//!
//! If a [revocation](crate::Issuer::revoke_user) ends the user's sessions while a login checks the
//! credentials, it checks them once more, because they may have changed. If it happens again, the
//! response is `503`.
//!
//! # Second factor
//!
//! With a [`second_factor`](TokenRoutesBuilder::second_factor), the login of a user who
//! [has enabled one](crate::user::SecondFactor::is_enabled), or whom the backend returns as
//! [`Authentication::SecondFactor`](crate::user::Authentication::SecondFactor), takes two requests, with
//! both kinds of routes. The response to the first is a `401` with the code `second_factor_required` and
//! the member `step`. It begins no session.
//!
//! | request | body | response |
//! |---|---|---|
//! | `POST /second-factor` | `{"step", "code"}` | that of a login; `401` with `invalid_code` for a wrong code |
//!
//! `step` is a token that can be used once, within 5 minutes, for up to five codes. After that, and
//! once the user is [revoked](crate::Issuer::revoke_user) or has another epoch, for example because
//! of a new password, the response is a `401` with `token_revoked`: the user has to log in again. A
//! `503` after a right code may have used both.
//!
//! The tokens of such a login have the claim [`amr`](crate::Claims::amr) with
//! [the methods](crate::user::SecondFactor::amr) that were used, by default `["pwd", "otp"]`, and
//! refreshes keep it.
//!
//! With a [throttle](TokenRoutesBuilder::throttle), the first request stays counted as an attempt until
//! the login is completed, and the second one counts for the address of the client. `step` is not
//! encrypted: it contains the id of the user and, with a throttle, a hash of the name that was sent.
//!
//! # Session routes
//!
//! With the feature `cookie`, [`SessionRoutes`] keep the tokens of a browser in
//! [cookies](crate::transport) that scripts cannot read. An application may serve them and the token
//! routes side by side, with one issuer.
//!
//! | request | body | response |
//! |---|---|---|
//! | `POST /` | `{"username", "password"}` | `{"user": {…}}`, and both cookies |
//! | `GET /` | | `{"user": {…}}`; requires an access token |
//! | `POST /refresh` | | `{}`, and new cookies |
//! | `DELETE /` | | `204` once the session has ended; clears both cookies; may be repeated |
//!
//! Each path is served with and without a trailing slash. No response contains a token. `user` is
//! what the application describes, by default `{"id": "…"}`.
//!
//! - **Refresh.** All tabs of a browser share its cookies. If several refresh at once, the
//!   [grace](crate::issue::IssuerBuilder::reuse_grace) of the issuer gives all of them the same
//!   session. A `401` clears both cookies. A `503` clears none: the browser may try again.
//! - **Logout.** It ends the session of the refresh cookie, even if it is spent, and that of the access
//!   cookie. Cookies that are invalid, expired or missing are no error. If the store does not
//!   respond, the session may continue: the response is `503` and clears no cookie.
//! - **Other sites.** A request that another site has caused is rejected with `403` and the code
//!   `cross_site_request` before anything else happens. Of the requests that do not show who caused
//!   them, only those without session cookies are served. Bodies must be JSON, which no HTML form
//!   can send.
//! - **Bearer tokens.** If a request has an `Authorization` header, that alone decides. Its cookies are
//!   neither read nor cleared. A logout with a valid Bearer token ends its session.
//! - **Another login.** A login does not end the session whose cookies it replaces. That session stays
//!   in the session list until it expires.
//! - **Repeated cookies.** A request with two cookies of the same name is rejected with `400` and the
//!   code `repeated_cookie`.
//!
//! # Session list
//!
//! Users see and end their sessions. The session routes have these routes, below their own path or
//! another one. The token routes have them with
//! [`session_list_at`](TokenRoutesBuilder::session_list_at). The requests carry an access token whose
//! session has not ended, as a Bearer token or, with the session routes, also in a cookie. For the
//! token routes, [`session_list_layer`](TokenRoutesBuilder::session_list_layer) can change that.
//!
//! | request | body | response |
//! |---|---|---|
//! | `GET /sessions` | | a list of `{"id", "created_at", "last_used_at", "expires_at", "current"}`, the last used session first |
//! | `DELETE /sessions/{id}` | | `204` once the session has ended, `404` if the user has no such session |
//! | `PATCH /sessions/{id}` | `{"label"}`, a string or `null` | `204` once the session has the [label](crate::Issuer::label_session), `404` if the user has no such session |
//! | `POST /logout-others` | | `{}` once all sessions but that of the access token have ended |
//! | `POST /logout-all` | | `{}` once all sessions have ended |
//! | `POST /ticket` | `{"path"}` | `{"ticket"}`, for one request to the path that cannot carry a header: see [`Issuer::issue_ticket`](crate::Issuer::issue_ticket) |
//!
//! Times have the form `2023-11-14T22:13:20Z`. `current` is `true` for the session of the access
//! token. With the session routes, or if
//! [logins set it](TokenRoutesBuilder::session_label_from), sessions also have a `label`, a string or
//! `null`. A browser that ends its own session loses its cookies.
//!
//! The paths have no trailing slash. If an application has both kinds of routes, only one of them may
//! have the session list at a path.
//!
//! # Errors
//!
//! The body of an error response is `{"detail": "…", "code": "…"}`: `detail` is for people, `code`
//! for programs. The codes are those of [`AuthErrorKind::code`](crate::AuthErrorKind::code), and:
//!
//! | status | code | when |
//! |---|---|---|
//! | 400 | `invalid_body` | there are two `Content-Type` headers, or the body is not a JSON object, or its fields are invalid: then it has `"errors": {"username": ["…"]}` |
//! | 404 | `not_found` | the user has no such session |
//! | 405 | `method_not_allowed` | the route does not serve the method |
//! | 408 | `body_timeout` | the body was not received within [10 seconds](TokenRoutesBuilder::body_timeout) |
//! | 409 | `totp_enabled`, `totp_not_enrolled` | see the account routes (features `accounts` and `totp`) |
//! | 413 | `body_too_large` | the body is longer than [16 KiB](TokenRoutesBuilder::body_limit) |
//! | 415 | `unsupported_media_type` | the body is not `application/json`, has another `charset` than `utf-8`, or is compressed |
//!
//! All responses have `Cache-Control: no-store`. Every `401` has a challenge. The [`AuthError`] or
//! [`RequestError`] is in the extensions of the response. To replace the bodies, set
//! [`rejection`](TokenRoutesBuilder::rejection). The error bodies of [`OAuthRoutes`] and
//! [`BackChannelLogoutRoutes`] are those of their specifications.
//!
//! [`AuthError`]: crate::AuthError

mod back_channel;
mod body;
mod body_reader;
mod cookies;
#[cfg(feature = "openapi")]
mod described;
mod endpoint;
mod form;
mod json_object;
mod login;
mod login_limit;
mod login_request;
mod oauth;
mod oauth_error;
mod path;
mod rejection;
mod request_error;
mod response;
mod route_error;
mod second_step;
#[cfg(feature = "cookie")]
mod session;
mod session_list;
mod step_token;
mod token;
mod well_known;

pub use back_channel::{BackChannelLogoutRoutes, BackChannelLogoutRoutesBuilder};
#[cfg(all(feature = "accounts", feature = "totp"))]
pub(crate) use body::check_optional_json;
#[cfg(feature = "django")]
pub(crate) use body::{BodyError, BodyLimits};
#[cfg(feature = "accounts")]
pub(crate) use body_reader::BodyReader;
#[cfg(all(feature = "accounts", feature = "cookie"))]
pub(crate) use cookies::{are_read, with_cookies};
#[cfg(feature = "openapi")]
pub(crate) use described::{DescribedLogin, DescribedSessionList};
#[cfg(feature = "accounts")]
pub(crate) use endpoint::{endpoint, no_other_method, with_and_without_slash};
#[cfg(feature = "django")]
pub(crate) use json_object::{JsonObjectError, parse_object};
pub use oauth::{OAuthRoutes, OAuthRoutesBuilder};
#[cfg(feature = "openapi")]
pub(crate) use oauth_error::oauth_error;
#[cfg(any(feature = "accounts", feature = "django"))]
pub(crate) use path::is_path;
#[cfg(feature = "accounts")]
pub(crate) use path::{check_base, without_trailing_slash};
#[cfg(feature = "accounts")]
pub(crate) use rejection::RouteRejection;
pub use request_error::{RequestError, RequestErrorKind};
#[cfg(feature = "accounts")]
pub(crate) use response::{json_response, no_content};
pub use route_error::RouteError;
#[cfg(feature = "cookie")]
pub use session::{SessionRoutes, SessionRoutesBuilder, SetCookies};
pub use step_token::SecondStep;
pub use token::{TokenRoutes, TokenRoutesBuilder};
pub use well_known::{WellKnownRoutes, WellKnownRoutesBuilder};
