use std::{error::Error, fmt};

use crate::user::BackendError;

/// Why a second factor was not enabled.
#[derive(Debug)]
#[non_exhaustive]
pub enum TotpError {
    /// The user has enabled it before.
    AlreadyEnabled,
    /// The user has not begun to enable it.
    NotEnrolled,
    /// The code is wrong, or it is of another enrolment.
    InvalidCode,
    /// The secret is too short to be imported.
    InvalidSecret,
    /// The secrets are unavailable.
    Backend(BackendError),
}

impl fmt::Display for TotpError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::AlreadyEnabled => "the second factor is enabled already",
            Self::NotEnrolled => "no enrolment has begun",
            Self::InvalidCode => "the code is wrong",
            Self::InvalidSecret => "a secret must have 16 to 64 bytes",
            Self::Backend(error) => return error.fmt(f),
        })
    }
}

impl Error for TotpError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Backend(error) => error.source(),
            Self::AlreadyEnabled | Self::NotEnrolled | Self::InvalidCode | Self::InvalidSecret => {
                None
            }
        }
    }
}

impl From<BackendError> for TotpError {
    fn from(error: BackendError) -> Self {
        Self::Backend(error)
    }
}
