//! Ready-made axum routes for the accounts of an application: [`AccountRoutes`].
//!
//! | request | body | response |
//! |---|---|---|
//! | `POST /users` | `{"username", "email", "password"}` | `201` and `{"id", "username", "email"}` |
//! | `POST /users/verify` | `{"token"}`, from the mail | `204`, once |
//! | `POST /users/verify/resend` | `{"email"}` | `202`, always |
//! | `GET /me` | | `{"id", "username", "email"}` |
//! | `PATCH /me` | `{"username", "email"}`, one or both | `{"id", "username", "email"}` |
//! | `DELETE /me` | `{"password"}` | `204` |
//! | `POST /password` | `{"current", "new"}` | `204` |
//! | `POST /password/reset` | `{"email"}` | `202`, always |
//! | `POST /password/reset/confirm` | `{"token", "password"}` | `204`, once |
//!
//! With [`totp`](AccountRoutesBuilder::totp):
//!
//! | request | body | response |
//! |---|---|---|
//! | `POST /totp` | | `{"secret", "uri", "qr"}`; `409` with `totp_enabled` if it is enabled |
//! | `POST /totp/confirm` | `{"code"}` | `{"recovery_codes": [...]}`; `409` with `totp_enabled` or, without an enrolment, `totp_not_enrolled` |
//! | `DELETE /totp` | `{"password"}` | `204`, also if it is not enabled |
//!
//! Each path is served with and without a trailing slash. The routes below `/me` and `/password` require
//! an access token, except those of a reset.
//!
//! # Sign-up
//!
//! - **Problems.** A rejected sign-up is `400` with `errors` for all fields at once: fields that are
//!   missing or malformed, [rules for passwords](AccountRoutesBuilder::password_rules), and names that are
//!   invalid or taken. The rules are checked before the password is hashed.
//! - **Taken names.** Of any number of sign-ups with one name at once, one succeeds. A user name must not
//!   be the e-mail address of another account, because users may log in with either.
//! - **Mail.** A mail has the token that verifies the address. It is valid for
//!   [3 days](AccountRoutesBuilder::verify_lifetime), can be used once, and verifies the address only
//!   while the account has it. [`mail`](crate::mail) describes how mails are sent.
//! - **Sessions.** A sign-up can log the user in, with
//!   [tokens](AccountRoutesBuilder::tokens_at_sign_up) or cookies. Otherwise the user logs in afterwards.
//! - **Fields of the application** are read by a
//!   [function](AccountRoutesBuilder::sign_up_fields), and stored as its
//!   [columns](crate::user::AccountBackend::Extra).
//! - **Failures.** With a `503`, no mail is sent. The account was not created, unless the backend has
//!   done its work and could not report it. Then the names are taken, and its owner gets a mail by
//!   `POST /users/verify/resend` or a reset of the password.
//!
//! # Which accounts exist
//!
//! By default, a sign-up reveals which names are taken. With
//! [`enumeration_safe`](AccountRoutesBuilder::enumeration_safe) it does not. Every sign-up without other
//! problems gets the same `202`, after one hash and the same calls of the backend and the store. The mail
//! has the rest:
//!
//! | names | mail |
//! |---|---|
//! | free | [`VerifyEmail`](crate::mail::MessageKind::VerifyEmail) |
//! | the address is taken | [`AccountExists`](crate::mail::MessageKind::AccountExists), to the address that the account has |
//! | only the user name is taken | [`UsernameTaken`](crate::mail::MessageKind::UsernameTaken) |
//!
//! Whether a row is inserted can still make a difference of a millisecond or less. An address can be
//! tried only once, because then it is taken, and its owner gets a mail.
//!
//! The routes that send a mail to an address respond the same way for all addresses, in both modes.
//! Limit [sign-ups](AccountRoutesBuilder::sign_up_throttle) and
//! [mails](AccountRoutesBuilder::mail_throttle): otherwise anybody can fill a mailbox.
//!
//! # Passwords
//!
//! - **Change.** All other sessions of the user end, with their access tokens wherever the store is
//!   asked. The session that sends the request goes on, with the tokens that it has. If two sessions
//!   change the password at once, one of them succeeds, and the other one has ended.
//! - **Reset.** The response is the same for all addresses, after the same work. The token in the mail
//!   is valid for [an hour](AccountRoutesBuilder::reset_lifetime), and until the password or the address
//!   of the account changes: so it can be used once, and then all older ones are worthless too. A
//!   request whose new password is rejected does not use it. After a reset all sessions end, the limit
//!   on [passwords](AccountRoutesBuilder::password_throttle) of the account is reset, and the address
//!   counts as verified, because the user has received a mail there.
//! - **Wrong passwords.** If `current` or `password` is not the password of the user, the response is
//!   `400` with `errors`, and the attempt counts.
//! - **Failures.** With a `503`, other sessions may have ended. The password is unchanged, unless the
//!   backend has done its work and could not report it. Then there is neither an event nor a mail.
//! - **Mail.** The user gets a mail without a token. If too many mails are being sent, the password is
//!   changed without it.
//!
//! # Codes of authenticator apps
//!
//! A user adds the secret to an app, by the QR code (`qr`, an SVG image), and sends the first code to
//! `/totp/confirm`. Only then do logins require a code. The code counts as used. A wrong one is rejected
//! with `400` and `errors`, and the enrolment stays open. The recovery codes are in this response and
//! in no other. For new ones, disable the second factor and enable it again. Sessions that have begun
//! before go on.
//!
//! The user gets a mail when the second factor is enabled and when it is disabled.
//!
//! `DELETE /totp` checks the password like the other routes. A reset of the password does not disable
//! the second factor. Users who have lost their device and their recovery codes need the operator of the
//! application, who calls [`Totp::disable`](crate::totp::Totp::disable). A deleted account loses its
//! secret.
//!
//! # Another e-mail address
//!
//! `PATCH /me` with another `email` does not change the account. It sends a mail with a token to the new
//! address and one without to the old address. The new address counts once `POST /users/verify` has
//! received the token, and the old one gets another mail. A new password makes the token worthless, and
//! so does the end of the session that has asked for the address: whoever finds a stranger among the
//! sessions ends it, and its request with it.
//!
//! With [`enumeration_safe`](AccountRoutesBuilder::enumeration_safe), the response does not reveal that
//! the address of another account was requested; the mail goes to its owner then. User names with an `@`
//! are rejected, and other user names that are taken are still rejected with `400`.
#![cfg_attr(feature = "sqlite", doc = include_str!("example.md"))]
#![doc = include_str!("own_backend.md")]
#![cfg_attr(feature = "sqlite", doc = include_str!("own_route.md"))]

mod account_route;
mod account_token;
mod builder;
#[cfg(feature = "openapi")]
mod described;
mod email;
mod field_messages;
mod first_session;
mod limit;
mod link;
mod me;
mod new_password;
mod notification;
mod outgoing;
mod password;
mod reset;
mod route_table;
mod router;
mod sign_up;
mod sign_up_form;
mod state;
#[cfg(feature = "totp")]
mod totp;
mod verify_email;

pub use account_route::AccountRoute;
pub use builder::AccountRoutesBuilder;
#[cfg(feature = "openapi")]
pub(crate) use described::DescribedAccountRoutes;
pub use router::AccountRoutes;
