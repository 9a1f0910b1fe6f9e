use std::hash::{Hash, Hasher};

/// What a token may be used for. A token of one type is never accepted in place of another.
///
/// Two types are equal when their names are equal: `Custom("access")` equals `Access`.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum TokenType {
    /// Grants access to protected routes.
    Access,
    /// Is exchanged for new tokens.
    Refresh,
    /// Grants access to protected routes and can be exchanged for its own successor, like
    /// SimpleJWT's sliding tokens.
    Sliding,
    /// A type that the application defines, such as `email_verification`.
    Custom(Box<str>),
}

impl TokenType {
    /// Returns the value of the token type claim.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::Access => "access",
            Self::Refresh => "refresh",
            Self::Sliding => "sliding",
            Self::Custom(name) => name,
        }
    }
}

impl PartialEq for TokenType {
    fn eq(&self, other: &Self) -> bool {
        self.as_str() == other.as_str()
    }
}

impl Eq for TokenType {}

impl Hash for TokenType {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.as_str().hash(state);
    }
}

impl From<&str> for TokenType {
    fn from(name: &str) -> Self {
        match name {
            "access" => Self::Access,
            "refresh" => Self::Refresh,
            "sliding" => Self::Sliding,
            _ => Self::Custom(name.into()),
        }
    }
}
