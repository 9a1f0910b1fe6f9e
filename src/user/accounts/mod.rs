//! Accounts: what an application keeps of its users, and the port that changes them.

mod account;
mod backend;
mod error;
#[cfg(any(feature = "password", feature = "throttle"))]
mod key;
mod new_account;

pub use account::Account;
pub use backend::AccountBackend;
pub use error::{AccountError, FieldProblem, FieldProblems};
#[cfg(any(feature = "password", feature = "throttle"))]
pub use key::login_key;
pub use new_account::NewAccount;
