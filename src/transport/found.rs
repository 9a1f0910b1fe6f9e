/// How a request carries its token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Carrier {
    /// The client program has put it there.
    Explicit,
    /// The client program has put it into the `Authorization` header, with the scheme `DPoP`.
    Dpop,
    /// The client program has put it into the query, percent-encoded. Only opaque tokens need that.
    EncodedQuery,
    /// The browser has added a cookie: the one with this index among those of the layer.
    Cookie(u8),
}

impl Carrier {
    /// Whether a browser may have added the token without the user's knowledge.
    pub(crate) const fn is_cookie(self) -> bool {
        matches!(self, Self::Cookie(_))
    }
}

/// A token that is not verified yet, borrowed from its request.
#[derive(Clone, Copy)]
pub(crate) struct FoundToken<'r> {
    pub(crate) token: &'r [u8],
    pub(crate) carrier: Carrier,
}
