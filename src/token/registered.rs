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
    profile::{TokenProfile, says_access},
    validation::Rules,
    values::Value,
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
    /// Before anything was read.
    pub(super) const fn none() -> Self {
        Self {
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
        }
    }

    pub(super) fn read(
        payload: &str,
        rules: &Rules,
        now: NumericDate,
    ) -> Result<Self, AuthErrorKind> {
        let mut registered = Self::none();
        let mut reader = Reader::new(payload, rules, now, &mut registered);
        let mut deserializer = serde_json::Deserializer::from_str(payload);
        let read = deserializer.deserialize_map(&mut reader);
        if reader.found_expired() {
            return Err(AuthErrorKind::Expired);
        }
        read.map_err(|error| kind_of(&error))?;
        deserializer.end().map_err(|error| kind_of(&error))?;
        if reader.is_complete() { Ok(registered) } else { Err(AuthErrorKind::InvalidClaims) }
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
pub(super) struct Reader<'a, 'de> {
    payload: &'de str,
    rules: &'a Rules,
    now: NumericDate,
    claims: &'a mut Registered,
    /// The [marks](Claim::mark) of the claims met so far.
    seen_claims: u32,
    /// The other members.
    seen: SeenMembers<'de>,
    /// Whether a member was refused, though whoever asked for it may have gone on.
    is_amiss: bool,
}

impl<'a, 'de> Reader<'a, 'de> {
    #[inline]
    pub(super) const fn new(
        payload: &'de str,
        rules: &'a Rules,
        now: NumericDate,
        claims: &'a mut Registered,
    ) -> Self {
        let seen = SeenMembers::new();
        Self { payload, rules, now, claims, seen_claims: 0, seen, is_amiss: false }
    }

    #[expect(clippy::ptr_arg, reason = "what is owned does not stand in the payload")]
    fn text(&self, text: &Cow<'_, str>) -> Text {
        match text {
            Cow::Borrowed(text) => {
                // Borrowed texts lie inside the payload, so this is their place in it.
                let start = text.as_ptr().addr() - self.payload.as_ptr().addr();
                Text::Range(start..start + text.len())
            }
            Cow::Owned(text) => Text::Owned(text.as_str().into()),
        }
    }

    fn scopes(&self, value: &Value<'de>) -> Option<Scopes> {
        if let Some(text) = value.text() {
            return Some(Scopes::Text(self.text(text)));
        }
        let list = value.texts()?.iter().map(|text| text.as_ref().into());
        Some(Scopes::List(list.collect()))
    }

    /// Which claim a member of this name is.
    fn claim(&self, name: &str) -> Option<Claim> {
        let (names, profile) = (self.rules.names(), self.rules.profile);
        Some(match name {
            // No others can be configured to have these names.
            "exp" => Claim::ExpiresAt,
            "iat" => Claim::IssuedAt,
            "nbf" => Claim::NotBefore,
            "iss" => Claim::Issuer,
            "aud" => Claim::Audience,
            "sid" | "scope" | "scp" | "auth_time" | "user_epoch" if self.rules.as_pyjwt => {
                return None;
            }
            "sid" => Claim::SessionId,
            "scope" => Claim::Scope,
            "scp" => Claim::Scp,
            "auth_time" => Claim::AuthTime,
            "user_epoch" => Claim::Epoch,
            _ if name == names.user_id() => Claim::UserId,
            _ if name == names.token_type() && profile != TokenProfile::Rfc9068 => Claim::TokenType,
            _ if name == names.jti() => Claim::Jti,
            "sub" => Claim::Subject,
            "client_id" if profile == TokenProfile::Rfc9068 => Claim::ClientId,
            "typ" if profile == TokenProfile::Plain => Claim::Typ,
            "token_use" if profile == TokenProfile::Plain => Claim::TokenUse,
            _ => return None,
        })
    }

    /// Notes that there is a member `name`, and says whether it is one of the claims: if so, its
    /// value, which came next in `map`, has been read into `value`.
    pub(super) fn read_member<A: MapAccess<'de>>(
        &mut self,
        name: &Cow<'de, str>,
        map: &mut A,
        value: &mut Value<'de>,
    ) -> Result<bool, A::Error> {
        let result = match self.note(name) {
            Ok(None) => Ok(false),
            Ok(Some(claim)) => {
                map.next_value_seed(&mut *value).and_then(|()| match self.read(claim, value) {
                    Some(()) => Ok(true),
                    None => Err(A::Error::custom("a claim that is not accepted")),
                })
            }
            Err(error) => Err(error),
        };
        self.is_amiss |= result.is_err();
        result
    }

    #[expect(clippy::ptr_arg, reason = "a borrowed name outlives the reference to it")]
    fn note<E: Error>(&mut self, name: &Cow<'de, str>) -> Result<Option<Claim>, E> {
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

    fn user_id(&self, value: &Value<'de>) -> Option<Text> {
        // PyJWT takes no number for a `sub`.
        let is_subject = self.rules.as_pyjwt && self.rules.names().user_id() == "sub";
        if self.rules.profile == TokenProfile::SimpleJwt
            && !is_subject
            && let Some(integer) = value.integer()
        {
            return Some(Text::Owned(integer.into()));
        }
        // Names of Django's users have up to 150 characters, of whatever length in bytes.
        let id = if self.rules.as_pyjwt { value.name()? } else { value.id()? };
        Some(self.text(id))
    }

    /// Nothing where the value is none that the claim may have, or says that all is over.
    fn read(&mut self, claim: Claim, value: &Value<'de>) -> Option<()> {
        match claim {
            Claim::UserId => {
                self.claims.user_id = Some(self.user_id(value)?);
                if self.rules.names().user_id() == "sub" {
                    self.claims.subject.clone_from(&self.claims.user_id);
                }
            }
            Claim::TokenType => {
                self.claims.token_type = Some(TokenType::from(value.text()?.as_ref()));
            }
            Claim::Jti => self.claims.jti = Some(self.text(value.id()?)),
            Claim::ExpiresAt => {
                self.claims.expires_at = value.date()?;
                self.claims.has_expiry = true;
                if self.found_expired() {
                    // Whatever else is in it, the token is worth nothing.
                    return None;
                }
            }
            Claim::NotBefore => self.claims.not_before = Some(value.date()?),
            Claim::IssuedAt => self.claims.issued_at = Some(value.date()?),
            Claim::AuthTime => self.claims.auth_time = Some(value.date()?),
            Claim::Issuer => self.claims.issuer = Some(self.text(value.text()?)),
            Claim::Subject => self.claims.subject = Some(self.text(value.text()?)),
            Claim::SessionId => self.claims.session_id = Some(self.text(value.id()?)),
            Claim::Epoch => self.claims.epoch = Some(self.text(value.text()?)),
            Claim::Scope => self.claims.scope = self.scopes(value)?,
            Claim::Scp => self.claims.scp = self.scopes(value)?,
            Claim::Audience => {
                let mut audiences = value.texts()?.iter();
                let accepted = audiences.any(|audience| self.rules.accepts_audience(audience));
                self.claims.audience = if accepted { Audience::Accepted } else { Audience::Other };
            }
            Claim::ClientId => {
                value.id()?;
            }
            Claim::Typ | Claim::TokenUse => {
                self.claims.is_for_other_use |= !says_access(value.text()?);
            }
        }
        Some(())
    }

    /// Whether what was read so far says that the token's lifetime is over.
    pub(super) fn found_expired(&self) -> bool {
        self.claims.has_expiry && self.rules.is_over(self.claims.expires_at, self.now)
    }

    /// Whether all was in order, and all was there that is required.
    pub(super) fn is_complete(&self) -> bool {
        !self.is_amiss
            && (self.claims.has_expiry || self.rules.as_pyjwt)
            && self.rules.required_claims().all(|name| self.has(name))
    }

    fn has(&self, name: &str) -> bool {
        match self.claim(name) {
            Some(claim) => self.seen_claims & claim.mark() != 0,
            None => self.seen.contains(name),
        }
    }
}

impl<'de> Visitor<'de> for &mut Reader<'_, 'de> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a claims set")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let mut value = Value::EMPTY;
        while let Some(JsonStr(name)) = map.next_key()? {
            if !self.read_member(&name, &mut map, &mut value)? {
                map.next_value::<IgnoredAny>()?;
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
