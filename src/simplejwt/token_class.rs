use crate::token::TokenType;

/// One of SimpleJWT's token classes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum TokenClass {
    /// `rest_framework_simplejwt.tokens.AccessToken`.
    Access,
    /// `rest_framework_simplejwt.tokens.RefreshToken`.
    Refresh,
    /// `rest_framework_simplejwt.tokens.SlidingToken`.
    Sliding,
    /// `rest_framework_simplejwt.tokens.UntypedToken`: a token of any type, or without a type.
    Untyped,
}

impl TokenClass {
    /// The class at a dotted Python path; `None` if it is not one of SimpleJWT's own.
    pub(super) fn from_path(path: &str) -> Option<Self> {
        match path.strip_prefix("rest_framework_simplejwt.tokens.")? {
            "AccessToken" => Some(Self::Access),
            "RefreshToken" => Some(Self::Refresh),
            "SlidingToken" => Some(Self::Sliding),
            "UntypedToken" => Some(Self::Untyped),
            _ => None,
        }
    }

    /// The name of the Python class.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Access => "AccessToken",
            Self::Refresh => "RefreshToken",
            Self::Sliding => "SlidingToken",
            Self::Untyped => "UntypedToken",
        }
    }

    /// The token type of the class.
    pub(super) const fn type_name(self) -> &'static str {
        match self {
            Self::Access => "access",
            Self::Refresh => "refresh",
            Self::Sliding => "sliding",
            Self::Untyped => "untyped",
        }
    }

    /// Whether tokens of this class can be blacklisted.
    pub(super) const fn is_blacklistable(self) -> bool {
        matches!(self, Self::Refresh | Self::Sliding)
    }

    /// The required token type; `None` if any is accepted.
    pub(super) fn token_type(self) -> Option<TokenType> {
        (self != Self::Untyped).then(|| TokenType::from(self.type_name()))
    }
}
