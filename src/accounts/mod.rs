//! Ready-made axum routes for the accounts of an application: [`AccountRoutes`].
//!
//! | request | body | response |
//! |---|---|---|
//! | `POST /users` | `{"username", "email", "password"}` | `201` and `{"id", "username", "email"}` |
//! | `POST /users/verify` | `{"token"}`, from the mail | `204`, once |
//! | `POST /users/verify/resend` | `{"email"}` | `202`, always |
//!
//! Each path is served with and without a trailing slash.

mod account_route;
mod account_token;
mod builder;
mod field_messages;
mod first_session;
mod limit;
mod link;
mod new_password;
mod outgoing;
mod route_table;
mod router;
mod sign_up;
mod sign_up_form;
mod state;
mod verify_email;

pub use account_route::AccountRoute;
pub use builder::AccountRoutesBuilder;
pub use router::AccountRoutes;
