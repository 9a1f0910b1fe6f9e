use std::{error::Error, fmt};

use super::super::backend::BackendError;

/// Why an account was not created or changed.
#[derive(Debug)]
#[non_exhaustive]
pub enum AccountError {
    /// Some fields have values that the account cannot have. Nothing was changed.
    Rejected(FieldProblems),
    /// The accounts are unavailable.
    Backend(BackendError),
}

/// The problem of each field, for all fields at once.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct FieldProblems {
    /// The problem of the user name.
    pub username: Option<FieldProblem>,
    /// The problem of the e-mail address.
    pub email: Option<FieldProblem>,
    /// The problem of the password.
    pub password: Option<FieldProblem>,
}

/// Why an account cannot have the value of a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum FieldProblem {
    /// Users log in by this field, and it is missing or empty.
    Missing,
    /// The value is not of the form that the field requires.
    Invalid,
    /// The value is too long.
    TooLong,
    /// Another account has this user name or e-mail address.
    Taken,
}

impl FieldProblems {
    /// Whether no field has a problem.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.username.is_none() && self.email.is_none() && self.password.is_none()
    }
}

impl fmt::Display for FieldProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Missing => "is missing",
            Self::Invalid => "is invalid",
            Self::TooLong => "is too long",
            Self::Taken => "is taken",
        })
    }
}

impl fmt::Display for FieldProblems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let fields = [
            ("the user name", self.username),
            ("the e-mail address", self.email),
            ("the password", self.password),
        ];
        let mut separator = "";
        for (field, problem) in fields {
            if let Some(problem) = problem {
                write!(f, "{separator}{field} {problem}")?;
                separator = ", ";
            }
        }
        Ok(())
    }
}

impl fmt::Display for AccountError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Rejected(problems) => problems.fmt(f),
            Self::Backend(error) => error.fmt(f),
        }
    }
}

impl Error for AccountError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Rejected(_) => None,
            Self::Backend(error) => error.source(),
        }
    }
}

impl From<FieldProblems> for AccountError {
    fn from(problems: FieldProblems) -> Self {
        Self::Rejected(problems)
    }
}

impl From<BackendError> for AccountError {
    fn from(error: BackendError) -> Self {
        Self::Backend(error)
    }
}
