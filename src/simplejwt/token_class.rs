use crate::token::TokenType;

/// A class of tokens, as SimpleJWT has them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum TokenClass {
    /// `rest_framework_simplejwt.tokens.AccessToken`.
    Access,
    /// `rest_framework_simplejwt.tokens.RefreshToken`.
    Refresh,
    /// `rest_framework_simplejwt.tokens.SlidingToken`.
    Sliding,
    /// `rest_framework_simplejwt.tokens.UntypedToken`: a token of any type, or of none.
    Untyped,
}

impl TokenClass {
    /// The class of a dotted Python path, if it is one of SimpleJWT's own.
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

    /// What the class calls the type of its tokens.
    pub(super) const fn type_name(self) -> &'static str {
        match self {
            Self::Access => "access",
            Self::Refresh => "refresh",
            Self::Sliding => "sliding",
            Self::Untyped => "untyped",
        }
    }

    /// Whether tokens of this class are asked for in the blacklist.
    pub(super) const fn is_blacklistable(self) -> bool {
        matches!(self, Self::Refresh | Self::Sliding)
    }

    /// The type that a token must have, `None` where any will do.
    pub(super) fn token_type(self) -> Option<TokenType> {
        (self != Self::Untyped).then(|| TokenType::from(self.type_name()))
    }
}
