use std::{convert::Infallible, fmt, str::FromStr};

use serde::{Deserialize, Serialize};

/// The id of a user, as a string.
///
/// Integers and strings convert with `From`. [`UserId::new`] converts every other type that
/// implements `Display`, such as `uuid::Uuid`. [`parse`](Self::parse) converts back.
///
/// `Debug` redacts the id.
///
/// ```
/// use tower_jwt_auth::token::UserId;
///
/// let id = UserId::from(42);
/// assert_eq!(id, "42");
/// assert_eq!(id.parse::<u64>(), Ok(42));
/// ```
#[derive(Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct UserId(Box<str>);

impl UserId {
    /// Creates a user id from the `Display` form of `id`.
    ///
    /// ```
    /// use std::fmt;
    /// use tower_jwt_auth::token::UserId;
    ///
    /// struct MemberNumber(u32);
    ///
    /// impl fmt::Display for MemberNumber {
    ///     fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    ///         write!(f, "m-{:04}", self.0)
    ///     }
    /// }
    ///
    /// assert_eq!(UserId::new(MemberNumber(7)), "m-0007");
    /// ```
    pub fn new(id: impl fmt::Display) -> Self {
        Self(id.to_string().into())
    }

    /// Returns the id as a string slice.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns whether the id is empty, as it is for a token without a user id.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Parses the id as another type.
    ///
    /// # Errors
    ///
    /// The error of `T::from_str`.
    pub fn parse<T: FromStr>(&self) -> Result<T, T::Err> {
        self.0.parse()
    }
}

impl fmt::Debug for UserId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("UserId([redacted])")
    }
}

impl fmt::Display for UserId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl AsRef<str> for UserId {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl PartialEq<str> for UserId {
    fn eq(&self, other: &str) -> bool {
        *self.0 == *other
    }
}

impl PartialEq<&str> for UserId {
    fn eq(&self, other: &&str) -> bool {
        *self.0 == **other
    }
}

impl FromStr for UserId {
    type Err = Infallible;

    fn from_str(id: &str) -> Result<Self, Infallible> {
        Ok(id.into())
    }
}

impl From<&str> for UserId {
    fn from(id: &str) -> Self {
        Self(id.into())
    }
}

impl From<String> for UserId {
    fn from(id: String) -> Self {
        Self(id.into())
    }
}

impl From<&UserId> for UserId {
    fn from(id: &UserId) -> Self {
        id.clone()
    }
}

macro_rules! from_integer {
    ($($integer:ty),*) => {$(
        impl From<$integer> for UserId {
            fn from(id: $integer) -> Self {
                Self::new(id)
            }
        }
    )*};
}
from_integer!(i32, i64, u32, u64, u128);
