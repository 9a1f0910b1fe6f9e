//! The registered claims of one token, as data.

use std::ops::Range;

use crate::clock::NumericDate;

use super::{token_type::TokenType, user_id::UserId};

/// A string of the payload: its position, or its value if it is written with escapes.
#[derive(Clone)]
pub(super) enum PayloadStr {
    Range(Range<usize>),
    Owned(Box<str>),
}

impl PayloadStr {
    pub(super) fn resolve<'a>(&'a self, payload: &'a str) -> &'a str {
        match self {
            Self::Range(range) => payload.get(range.clone()).unwrap_or_default(),
            Self::Owned(string) => string,
        }
    }
}

/// The value of `scope` or `scp`.
pub(super) enum Scopes {
    /// Scopes separated by spaces.
    Separated(PayloadStr),
    List(Vec<Box<str>>),
}

impl Scopes {
    const NONE: Self = Self::List(Vec::new());

    pub(super) fn iter<'a>(&'a self, payload: &'a str) -> impl Iterator<Item = &'a str> {
        let (separated, list) = match self {
            Self::Separated(string) => (string.resolve(payload), &[][..]),
            Self::List(list) => ("", &list[..]),
        };
        separated.split(' ').filter(|scope| !scope.is_empty()).chain(list.iter().map(AsRef::as_ref))
    }
}

/// Which audiences `aud` contains.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum AudienceMatch {
    /// There is no `aud`, or it is an empty array.
    Absent,
    /// All are accepted.
    Accepted,
    /// At least one is accepted.
    Mixed,
    Other,
}

/// Whether `client_id` and `azp` are accepted.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum ClientMatch {
    Absent,
    Accepted,
    /// This claim is not accepted.
    Other(MarkClaim),
}

/// A claim that shows what a token is for, or whom.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum MarkClaim {
    AtHash,
    AuthorizedParty,
    ClientId,
    CodeHash,
    Events,
    Nonce,
    TokenType,
    TokenUse,
    Typ,
}

impl MarkClaim {
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::AtHash => "at_hash",
            Self::AuthorizedParty => "azp",
            Self::ClientId => "client_id",
            Self::CodeHash => "c_hash",
            Self::Events => "events",
            Self::Nonce => "nonce",
            Self::TokenType => "token_type",
            Self::TokenUse => "token_use",
            Self::Typ => "typ",
        }
    }
}

/// What the claims show about the use of the token.
#[derive(Clone, Copy, Default)]
pub(super) struct UseMarks {
    /// Whether a claim names an access token.
    pub(super) access: bool,
    /// A claim of ID tokens, which some providers write into access tokens too.
    pub(super) id_token: Option<MarkClaim>,
    /// A claim that excludes the use that the profile is for.
    pub(super) other: Option<MarkClaim>,
}

/// The claims that this crate understands. A claim of a wrong JSON type is never stored here: it is
/// treated as absent if no rule uses it, and otherwise makes the token invalid.
pub(super) struct Registered {
    /// [`NumericDate::MAX`] if the rules permit a token without `exp` and it has none.
    pub(super) expires_at: NumericDate,
    pub(super) has_expiry: bool,
    pub(super) not_before: Option<NumericDate>,
    pub(super) issued_at: Option<NumericDate>,
    pub(super) auth_time: Option<NumericDate>,
    pub(super) token_type: Option<TokenType>,
    /// Empty if the token has none: the reader rejects an empty id.
    pub(super) user_id: UserId,
    pub(super) jti: Option<PayloadStr>,
    pub(super) session_id: Option<PayloadStr>,
    pub(super) issuer: Option<PayloadStr>,
    pub(super) subject: Option<PayloadStr>,
    pub(super) scope: Scopes,
    pub(super) scp: Scopes,
    pub(super) epoch: Option<PayloadStr>,
    pub(super) amr: Vec<Box<str>>,
    pub(super) acr: Option<PayloadStr>,
    pub(super) audience: AudienceMatch,
    pub(super) has_several_audiences: bool,
    pub(super) client: ClientMatch,
    pub(super) nonce: Option<PayloadStr>,
    pub(super) uses: UseMarks,
    /// Whether the token is bound to a proof of possession (`cnf`, RFC 7800).
    pub(super) is_bound: bool,
    /// Whether a claim states that the token's type is `DPoP` (RFC 9449 section 5).
    pub(super) is_dpop: bool,
}

impl Registered {
    pub(super) fn empty() -> Self {
        Self {
            expires_at: NumericDate::MAX,
            has_expiry: false,
            not_before: None,
            issued_at: None,
            auth_time: None,
            token_type: None,
            user_id: UserId::default(),
            jti: None,
            session_id: None,
            issuer: None,
            subject: None,
            scope: Scopes::NONE,
            scp: Scopes::NONE,
            epoch: None,
            amr: Vec::new(),
            acr: None,
            audience: AudienceMatch::Absent,
            has_several_audiences: false,
            client: ClientMatch::Absent,
            nonce: None,
            uses: UseMarks::default(),
            is_bound: false,
            is_dpop: false,
        }
    }
}
