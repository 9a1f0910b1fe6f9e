//! Ready-made axum routes: [`TokenRoutes`], [`WellKnownRoutes`] and [`OAuthRoutes`].
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
//! Each path is served with and without a trailing slash. `/blacklist` exists only if the issuer has
//! a store. Request bodies are JSON objects in UTF-8, not compressed, and no object in them has
//! duplicate members.
//!
//! If a [revocation](crate::Issuer::revoke_user) ends the user's sessions while a login checks the
//! credentials, it checks them once more, because they may have changed. If it happens again, the
//! response is `503`.
//!
//! # Session list
//!
//! With [`session_list_at`](TokenRoutesBuilder::session_list_at), users see and end their sessions.
//! The requests carry an access token, whose session must not have ended.
//!
//! | request | response |
//! |---|---|
//! | `GET /sessions` | a list of `{"id", "created_at", "last_used_at", "expires_at", "current"}`, the last used session first |
//! | `DELETE /sessions/{id}` | `204` once the session has ended, `404` if the user has no such session |
//! | `POST /logout-others` | `{}` once all sessions but that of the access token have ended |
//! | `POST /logout-all` | `{}` once all sessions have ended |
//!
//! Times have the form `2023-11-14T22:13:20Z`. `current` is `true` for the session of the access
//! token. Sessions also have a `label`, a string or `null`, if
//! [logins set it](TokenRoutesBuilder::session_label_from).
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
//! | 413 | `body_too_large` | the body is longer than [16 KiB](TokenRoutesBuilder::body_limit) |
//! | 415 | `unsupported_media_type` | the body is not `application/json`, has another `charset` than `utf-8`, or is compressed |
//!
//! All responses have `Cache-Control: no-store`. Every `401` has a challenge. The [`AuthError`] or
//! [`RequestError`] is in the extensions of the response. To replace the bodies, set
//! [`rejection`](TokenRoutesBuilder::rejection).
//!
//! [`AuthError`]: crate::AuthError
//!
//! # Routes for other services
//!
//! [`WellKnownRoutes`] publish the keys. [`OAuthRoutes`] describe and revoke tokens.

mod body;
mod body_reader;
mod endpoint;
mod json_object;
mod login;
mod oauth;
mod path;
mod rejection;
mod request_error;
mod response;
mod route_error;
mod session_list;
mod token;
mod well_known;

#[cfg(feature = "django")]
pub(crate) use body::{BodyError, BodyLimits};
#[cfg(feature = "django")]
pub(crate) use json_object::{JsonObjectError, parse_object};
pub use oauth::{OAuthRoutes, OAuthRoutesBuilder};
#[cfg(feature = "django")]
pub(crate) use path::is_path;
pub use request_error::{RequestError, RequestErrorKind};
pub use route_error::RouteError;
pub use token::{TokenRoutes, TokenRoutesBuilder};
pub use well_known::{WellKnownRoutes, WellKnownRoutesBuilder};
