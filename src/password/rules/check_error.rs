use std::{error::Error, fmt};

use crate::password::error::PasswordError;

use super::problem::PasswordProblems;

/// Why [`PasswordRules::check`](super::PasswordRules::check) did not accept a password.
#[derive(Debug)]
pub enum PasswordCheckError {
    /// The password violates rules.
    Rejected(PasswordProblems),
    /// The password could not be checked, for example because too many passwords are being hashed.
    /// Do not accept it. As a [`BackendError`](crate::user::BackendError) the response is 503.
    Failed(PasswordError),
}

impl From<PasswordError> for PasswordCheckError {
    fn from(error: PasswordError) -> Self {
        Self::Failed(error)
    }
}

impl fmt::Display for PasswordCheckError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Rejected(_) => "the password violates rules",
            Self::Failed(_) => "the password could not be checked",
        })
    }
}

impl Error for PasswordCheckError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Rejected(problems) => Some(problems),
            Self::Failed(error) => Some(error),
        }
    }
}
