//! Rules for new passwords.

mod blocklist;
mod builder;
mod check_error;
mod hashing_pool;
mod normalize;
mod password_rules;
mod problem;
mod python;
mod settings;
mod similarity;
mod strength;
mod user_attributes;
mod words;

pub use blocklist::Blocklist;
pub use builder::PasswordRulesBuilder;
pub use check_error::PasswordCheckError;
pub use hashing_pool::HashingPool;
pub use password_rules::PasswordRules;
pub use problem::{PasswordProblem, PasswordProblems};
pub use similarity::Similarity;
pub use user_attributes::UserAttributes;
