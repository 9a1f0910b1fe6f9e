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
//! Each path is served with and without a trailing slash. The routes below `/me` and `/password` require
//! an access token, except those of a reset.
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
//! - **Failures.** With a `503`, the password is unchanged, but other sessions may have ended.
//!
//! # Another e-mail address
//!
//! `PATCH /me` with another `email` does not change the account. It sends a mail with a token to the new
//! address and one without to the old address. The new address counts once `POST /users/verify` has
//! received the token, and the old one gets another mail. A new password makes the token worthless.
//!
//! With [`enumeration_safe`](AccountRoutesBuilder::enumeration_safe), the response does not reveal that
//! the address of another account was requested; the mail goes to its owner then. User names with an `@`
//! are rejected, and other user names that are taken are still rejected with `400`.

mod account_route;
mod account_token;
mod builder;
mod email;
mod field_messages;
mod first_session;
mod limit;
mod link;
mod me;
mod new_password;
mod outgoing;
mod password;
mod reset;
mod route_table;
mod router;
mod sign_up;
mod sign_up_form;
mod state;
mod verify_email;

pub use account_route::AccountRoute;
pub use builder::AccountRoutesBuilder;
pub use router::AccountRoutes;
