//! The registered claims: read in one pass over the payload, each at most once.

use std::{borrow::Cow, fmt, ops::Range};

use serde::{
    Deserializer,
    de::{Error, IgnoredAny, MapAccess, Visitor},
};

use crate::{clock::NumericDate, error::AuthErrorKind};

use super::{
    claims::TokenType,
    members::{JsonStr, SeenMembers},
    profile::{Profile, says_access},
    validation::Rules,
    values::{Date, Id, OneOrMany, TextOrInteger},
};

/// A text of the payload: where it stands there, or its value where it was written with escapes.
#[derive(Clone)]
pub(super) enum Text {
    Range(Range<usize>),
    Owned(Box<str>),
}

impl Text {
    pub(super) fn resolve<'a>(&'a self, payload: &'a str) -> &'a str {
        match self {
            Self::Range(range) => payload.get(range.clone()).unwrap_or_default(),
            Self::Owned(text) => text,
        }
    }
}

pub(super) enum Scopes {
    Text(Text),
    List(Vec<Box<str>>),
}

impl Scopes {
    const NONE: Self = Self::List(Vec::new());

    pub(super) fn iter<'a>(&'a self, payload: &'a str) -> impl Iterator<Item = &'a str> {
        let (text, list) = match self {
            Self::Text(text) => (text.resolve(payload), &[][..]),
            Self::List(list) => ("", &list[..]),
        };
        text.split(' ').filter(|scope| !scope.is_empty()).chain(list.iter().map(AsRef::as_ref))
    }
}

/// How a token's `aud` relates to the audiences that are accepted.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Audience {
    Absent,
    Accepted,
    Other,
}

/// The claims this crate understands. Those with a wrong JSON type never get here.
pub(super) struct Registered {
    /// The latest there is, where the rules allow a token without it.
    pub(super) expires_at: NumericDate,
    #[cfg_attr(not(feature = "django"), expect(dead_code, reason = "only that allows none"))]
    pub(super) has_expiry: bool,
    pub(super) not_before: Option<NumericDate>,
    pub(super) issued_at: Option<NumericDate>,
    pub(super) auth_time: Option<NumericDate>,
    pub(super) token_type: Option<TokenType>,
    pub(super) user_id: Option<Text>,
    pub(super) jti: Option<Text>,
    pub(super) session_id: Option<Text>,
    pub(super) issuer: Option<Text>,
    pub(super) subject: Option<Text>,
    pub(super) scope: Scopes,
    pub(super) scp: Scopes,
    pub(super) epoch: Option<Text>,
    pub(super) audience: Audience,
    /// Whether something in it says that the token is for something else than access.
    pub(super) is_for_other_use: bool,
    /// Whether the token is bound to a proof of possession (`cnf`, RFC 7800).
    pub(super) is_bound: bool,
}

impl Registered {
    pub(super) fn read(
        payload: &str,
        rules: &Rules,
        now: NumericDate,
    ) -> Result<Self, AuthErrorKind> {
        let mut reader = Reader::new(payload, rules, now);
        let mut deserializer = serde_json::Deserializer::from_str(payload);
        let read = deserializer.deserialize_map(&mut reader);
        if reader.found_expired() {
            return Err(AuthErrorKind::Expired);
        }
        read.map_err(|error| kind_of(&error))?;
        deserializer.end().map_err(|error| kind_of(&error))?;
        reader.finish().map_err(|error| kind_of(&error))
    }
}

fn kind_of(error: &serde_json::Error) -> AuthErrorKind {
    if error.is_data() { AuthErrorKind::InvalidClaims } else { AuthErrorKind::Malformed }
}

/// Those whose values are read, each of which has one name.
#[derive(Clone, Copy)]
pub(super) enum Claim {
    UserId,
    TokenType,
    Jti,
    ExpiresAt,
    NotBefore,
    IssuedAt,
    AuthTime,
    Issuer,
    Subject,
    SessionId,
    Epoch,
    Scope,
    Scp,
    Audience,
    ClientId,
    Typ,
    TokenUse,
}

impl Claim {
    const fn mark(self) -> u32 {
        1 << self as u32
    }
}

/// Reads them, member by member.
pub(super) struct Reader<'de> {
    payload: &'de str,
    rules: &'de Rules,
    now: NumericDate,
    /// The [marks](Claim::mark) of the claims met so far.
    seen_claims: u32,
    /// The other members.
    seen: SeenMembers<'de>,
    expires_at: Option<NumericDate>,
    claims: Registered,
}

impl<'de> Reader<'de> {
    #[inline]
    pub(super) fn new(payload: &'de str, rules: &'de Rules, now: NumericDate) -> Self {
        let claims = Registered {
            expires_at: NumericDate::MAX,
            has_expiry: false,
            not_before: None,
            issued_at: None,
            auth_time: None,
            token_type: None,
            user_id: None,
            jti: None,
            session_id: None,
            issuer: None,
            subject: None,
            scope: Scopes::NONE,
            scp: Scopes::NONE,
            epoch: None,
            audience: Audience::Absent,
            is_for_other_use: false,
            is_bound: false,
        };
        let seen = SeenMembers::new();
        Self { payload, rules, now, seen_claims: 0, seen, expires_at: None, claims }
    }

    fn text(&self, text: Cow<'_, str>) -> Text {
        match text {
            Cow::Borrowed(text) => {
                // Borrowed texts lie inside the payload, so this is their place in it.
                let start = text.as_ptr().addr() - self.payload.as_ptr().addr();
                Text::Range(start..start + text.len())
            }
            Cow::Owned(text) => Text::Owned(text.into()),
        }
    }

    fn scopes(&self, scopes: OneOrMany<'_>) -> Scopes {
        match scopes {
            OneOrMany::One(text) => Scopes::Text(self.text(text)),
            OneOrMany::Many(list) => {
                Scopes::List(list.into_iter().map(|text| text.into()).collect())
            }
        }
    }

    /// Which claim a member of this name is.
    fn claim(&self, name: &str) -> Option<Claim> {
        let (names, profile) = (self.rules.names(), self.rules.profile);
        // A name that was configured comes before the fixed meaning of the same name.
        if name == names.user_id() {
            return Some(Claim::UserId);
        }
        if name == names.token_type() && profile != Profile::Rfc9068 {
            return Some(Claim::TokenType);
        }
        if name == names.jti() {
            return Some(Claim::Jti);
        }
        Some(match name {
            "sid" | "scope" | "scp" | "auth_time" | "user_epoch" if self.rules.as_pyjwt => {
                return None;
            }
            "exp" => Claim::ExpiresAt,
            "nbf" => Claim::NotBefore,
            "iat" => Claim::IssuedAt,
            "auth_time" => Claim::AuthTime,
            "iss" => Claim::Issuer,
            "sub" => Claim::Subject,
            "sid" => Claim::SessionId,
            "user_epoch" => Claim::Epoch,
            "scope" => Claim::Scope,
            "scp" => Claim::Scp,
            "aud" => Claim::Audience,
            "client_id" if profile == Profile::Rfc9068 => Claim::ClientId,
            "typ" if profile == Profile::Plain => Claim::Typ,
            "token_use" if profile == Profile::Plain => Claim::TokenUse,
            _ => return None,
        })
    }

    /// Notes that there is a member `name`, and says which claim it is, if its value is to be read.
    #[expect(clippy::ptr_arg, reason = "a borrowed name outlives the reference to it")]
    pub(super) fn note<E: Error>(&mut self, name: &Cow<'de, str>) -> Result<Option<Claim>, E> {
        let Some(claim) = self.claim(name) else {
            if self.rules.may_repeat != Some(name) {
                self.seen.insert(name)?;
            }
            self.claims.is_bound |= name == "cnf";
            self.claims.is_for_other_use |= self.rules.profile.excludes(name);
            return Ok(None);
        };
        if self.seen_claims & claim.mark() != 0 {
            return Err(E::custom("repeated claim"));
        }
        self.seen_claims |= claim.mark();
        Ok(Some(claim))
    }

    /// Reads `claim`, whose value comes next in `map`.
    pub(super) fn read<A: MapAccess<'de>>(
        &mut self,
        claim: Claim,
        map: &mut A,
    ) -> Result<(), A::Error> {
        match claim {
            Claim::UserId => {
                let id = if self.rules.profile == Profile::SimpleJwt {
                    map.next_value::<TextOrInteger<'de>>()?.0
                } else {
                    map.next_value::<Id<'de>>()?.0
                };
                self.claims.user_id = Some(self.text(id));
                if self.rules.names().user_id() == "sub" {
                    self.claims.subject.clone_from(&self.claims.user_id);
                }
            }
            Claim::TokenType => {
                let name = map.next_value::<JsonStr<'de>>()?.0;
                self.claims.token_type = Some(TokenType::from(name.as_ref()));
            }
            Claim::Jti => self.claims.jti = Some(self.text(map.next_value::<Id<'de>>()?.0)),
            Claim::ExpiresAt => {
                let expires_at = map.next_value::<Date>()?.0;
                self.expires_at = Some(expires_at);
                if self.found_expired() {
                    // Whatever else is in it, the token is worth nothing.
                    return Err(A::Error::custom("expired"));
                }
            }
            Claim::NotBefore => self.claims.not_before = Some(map.next_value::<Date>()?.0),
            Claim::IssuedAt => self.claims.issued_at = Some(map.next_value::<Date>()?.0),
            Claim::AuthTime => self.claims.auth_time = Some(map.next_value::<Date>()?.0),
            Claim::Issuer => {
                self.claims.issuer = Some(self.text(map.next_value::<JsonStr<'de>>()?.0));
            }
            Claim::Subject => {
                self.claims.subject = Some(self.text(map.next_value::<JsonStr<'de>>()?.0));
            }
            Claim::SessionId => {
                self.claims.session_id = Some(self.text(map.next_value::<Id<'de>>()?.0));
            }
            Claim::Epoch => {
                self.claims.epoch = Some(self.text(map.next_value::<JsonStr<'de>>()?.0));
            }
            Claim::Scope => self.claims.scope = self.scopes(map.next_value()?),
            Claim::Scp => self.claims.scp = self.scopes(map.next_value()?),
            Claim::Audience => {
                let accepts = |audience: &str| self.rules.accepts_audience(audience);
                let accepted = match map.next_value::<OneOrMany<'de>>()? {
                    OneOrMany::One(audience) => accepts(&audience),
                    OneOrMany::Many(list) => list.iter().any(|audience| accepts(audience)),
                };
                self.claims.audience = if accepted { Audience::Accepted } else { Audience::Other };
            }
            Claim::ClientId => {
                map.next_value::<Id<'de>>()?;
            }
            Claim::Typ | Claim::TokenUse => {
                self.claims.is_for_other_use |= !says_access(&map.next_value::<JsonStr<'de>>()?.0);
            }
        }
        Ok(())
    }

    /// Whether what was read so far says that the token's lifetime is over.
    pub(super) fn found_expired(&self) -> bool {
        self.expires_at.is_some_and(|expires_at| self.rules.is_over(expires_at, self.now))
    }

    fn has(&self, name: &str) -> bool {
        match self.claim(name) {
            Some(claim) => self.seen_claims & claim.mark() != 0,
            None => self.seen.contains(name),
        }
    }

    /// What was read, if all of it was there that is required.
    #[inline]
    pub(super) fn finish<E: Error>(self) -> Result<Registered, E> {
        if !self.rules.required_claims().all(|name| self.has(name)) {
            return Err(E::custom("a required claim is missing"));
        }
        match self.expires_at {
            Some(expires_at) => Ok(Registered { expires_at, has_expiry: true, ..self.claims }),
            None if self.rules.as_pyjwt => Ok(self.claims),
            None => Err(E::missing_field("exp")),
        }
    }
}

impl<'de> Visitor<'de> for &mut Reader<'de> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a claims set")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(JsonStr(name)) = map.next_key()? {
            match self.note(&name)? {
                Some(claim) => self.read(claim, &mut map)?,
                None => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(())
    }
}

/// The `iss` of a payload that nobody has verified yet: it may choose a key, nothing else.
pub(super) fn peek_issuer(payload: &str) -> Option<Cow<'_, str>> {
    struct IssuerVisitor;

    impl<'de> Visitor<'de> for IssuerVisitor {
        type Value = Option<Cow<'de, str>>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a claims set")
        }

        fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
            let mut issuer = None;
            while let Some(JsonStr(name)) = map.next_key()? {
                if name == "iss" {
                    issuer = Some(map.next_value::<JsonStr<'de>>()?.0);
                } else {
                    map.next_value::<IgnoredAny>()?;
                }
            }
            Ok(issuer)
        }
    }

    let mut deserializer = serde_json::Deserializer::from_str(payload);
    deserializer.deserialize_map(IssuerVisitor).ok().flatten()
}
