//! Django's database: its users, and the tables of SimpleJWT's blacklist app.
//!
//! Nothing is added to the database: no table, column or index, and no journal mode. Rows are those
//! that Django itself would have written, with two exceptions. `expires_at` of a token is its `exp`
//! plus the leeway, so that Django's `flushexpiredtokens` does not make a revoked token valid again.
//! The column `token` does not hold the token.

mod connection;
mod dialect;
mod mismatch;
mod statements;
mod store;
mod table;
mod times;
mod user;
mod users;

pub use connection::DjangoDatabase;
pub use store::{DjangoStore, Outstanding};
pub use table::UserTable;
pub use user::DjangoUser;
pub use users::DjangoUsers;
