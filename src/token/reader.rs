//! Reads the registered claims in one pass over the payload.

use std::{borrow::Cow, fmt};

use serde::{
    Deserializer,
    de::{Error, IgnoredAny, MapAccess, Visitor},
};

use crate::{clock::NumericDate, error::AuthErrorKind};

use super::{
    claim_value::ClaimValue,
    members::{JsonStr, SeenMembers},
    registered::{AudienceMatch, PayloadStr, Registered, Scopes},
    token_profile::{TokenProfile, names_access},
    token_type::TokenType,
    user_id::UserId,
    validation::Rules,
};

/// Reads the registered claims of `payload`, which must be a JSON object without duplicate members.
pub(super) fn read_registered(
    payload: &str,
    rules: &Rules,
    now: NumericDate,
) -> Result<Registered, AuthErrorKind> {
    let mut registered = Registered::empty();
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

fn kind_of(error: &serde_json::Error) -> AuthErrorKind {
    if error.is_data() { AuthErrorKind::InvalidClaims } else { AuthErrorKind::Malformed }
}

/// The claims whose values are read.
#[derive(Clone, Copy)]
enum Claim {
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
    const fn bit(self) -> u32 {
        1 << self as u32
    }
}

/// Reads a payload member by member.
pub(super) struct Reader<'a, 'de> {
    payload: &'de str,
    rules: &'a Rules,
    now: NumericDate,
    claims: &'a mut Registered,
    /// The [bits](Claim::bit) of the claims seen so far.
    seen_claims: u32,
    /// The names of all other members.
    seen: SeenMembers<'de>,
    /// Whether all members were read.
    is_finished: bool,
    /// Whether an error occurred. The type of the application's claims may have ignored it.
    has_failed: bool,
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
        Self {
            payload,
            rules,
            now,
            claims,
            seen_claims: 0,
            seen,
            is_finished: false,
            has_failed: false,
        }
    }

    /// Checks the member name `name`. If it names a claim, reads the next value of `map` into
    /// `value` and returns `true`.
    pub(super) fn read_member<A: MapAccess<'de>>(
        &mut self,
        name: &Cow<'de, str>,
        map: &mut A,
        value: &mut ClaimValue<'de>,
    ) -> Result<bool, A::Error> {
        let Some(claim) = self.note(name)? else { return Ok(false) };
        map.next_value_seed(&mut *value)?;
        match self.read(claim, value) {
            Some(()) => Ok(true),
            None => Err(A::Error::custom("invalid claim")),
        }
    }

    /// Records that there are no more members.
    pub(super) const fn finish(&mut self) {
        self.is_finished = true;
    }

    /// Records that an error occurred.
    pub(super) const fn fail(&mut self) {
        self.has_failed = true;
    }

    /// Returns whether the claims read so far show that the token has expired.
    pub(super) fn found_expired(&self) -> bool {
        self.claims.has_expiry && self.rules.is_expired(self.claims.expires_at, self.now)
    }

    /// Returns whether all members were read without an error and every required claim is present.
    pub(super) fn is_complete(&self) -> bool {
        self.is_finished
            && !self.has_failed
            && (self.claims.has_expiry || self.rules.as_pyjwt)
            && self.rules.required_claims().all(|name| self.has(name))
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
        if self.seen_claims & claim.bit() != 0 {
            return Err(E::custom("duplicate claim"));
        }
        self.seen_claims |= claim.bit();
        Ok(Some(claim))
    }

    /// Returns the claim that a member of this name holds.
    fn claim(&self, name: &str) -> Option<Claim> {
        let (names, profile) = (self.rules.names(), self.rules.profile);
        Some(match name {
            // `ClaimNames` cannot use these names.
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

    /// Stores `value` as `claim`. Returns `None` if the value is invalid or the token has expired.
    fn read(&mut self, claim: Claim, value: &ClaimValue<'de>) -> Option<()> {
        match claim {
            Claim::UserId => {
                self.claims.user_id = self.user_id(value)?;
                if self.rules.names().user_id() == "sub" {
                    self.claims.subject = Some(match value.string() {
                        Some(subject) => self.payload_str(subject),
                        None => PayloadStr::Owned(self.claims.user_id.as_str().into()),
                    });
                }
            }
            Claim::TokenType => {
                self.claims.token_type = Some(TokenType::from(value.string()?.as_ref()));
            }
            Claim::Jti => self.claims.jti = Some(self.payload_str(value.id()?)),
            Claim::ExpiresAt => {
                self.claims.expires_at = value.date()?;
                self.claims.has_expiry = true;
                if self.found_expired() {
                    // No other claim can make the token valid.
                    return None;
                }
            }
            Claim::NotBefore => self.claims.not_before = Some(value.date()?),
            Claim::IssuedAt => self.claims.issued_at = Some(value.date()?),
            Claim::AuthTime => self.claims.auth_time = Some(value.date()?),
            Claim::Issuer => self.claims.issuer = Some(self.payload_str(value.string()?)),
            Claim::Subject => self.claims.subject = Some(self.payload_str(value.string()?)),
            Claim::SessionId => self.claims.session_id = Some(self.payload_str(value.id()?)),
            Claim::Epoch => self.claims.epoch = Some(self.payload_str(value.string()?)),
            Claim::Scope => self.claims.scope = self.scopes(value)?,
            Claim::Scp => self.claims.scp = self.scopes(value)?,
            Claim::Audience => {
                let mut audiences = value.strings()?.iter();
                let accepted = audiences.any(|audience| self.rules.accepts_audience(audience));
                self.claims.audience =
                    if accepted { AudienceMatch::Accepted } else { AudienceMatch::Other };
            }
            Claim::ClientId => {
                value.id()?;
            }
            Claim::Typ | Claim::TokenUse => {
                self.claims.is_for_other_use |= !names_access(value.string()?);
            }
        }
        Some(())
    }

    fn user_id(&self, value: &ClaimValue<'de>) -> Option<UserId> {
        // PyJWT rejects a number as `sub`.
        let is_subject = self.rules.as_pyjwt && self.rules.names().user_id() == "sub";
        if self.rules.profile == TokenProfile::SimpleJwt
            && !is_subject
            && let Some(integer) = value.integer()
        {
            return Some(integer.into());
        }
        // A Django user name has at most 150 characters, which may be more than 255 bytes.
        let id = if self.rules.as_pyjwt { value.name()? } else { value.id()? };
        Some(id.as_ref().into())
    }

    fn scopes(&self, value: &ClaimValue<'de>) -> Option<Scopes> {
        if let Some(string) = value.string() {
            return Some(Scopes::Separated(self.payload_str(string)));
        }
        let list = value.strings()?.iter().map(|scope| scope.as_ref().into());
        Some(Scopes::List(list.collect()))
    }

    #[expect(clippy::ptr_arg, reason = "an owned string is not part of the payload")]
    fn payload_str(&self, string: &Cow<'_, str>) -> PayloadStr {
        match string {
            Cow::Borrowed(string) => {
                // A borrowed string is a slice of the payload, so the difference is its position.
                let start = string.as_ptr().addr() - self.payload.as_ptr().addr();
                PayloadStr::Range(start..start + string.len())
            }
            Cow::Owned(string) => PayloadStr::Owned(string.as_str().into()),
        }
    }

    fn has(&self, name: &str) -> bool {
        match self.claim(name) {
            Some(claim) => self.seen_claims & claim.bit() != 0,
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
        let mut value = ClaimValue::EMPTY;
        while let Some(JsonStr(name)) = map.next_key()? {
            if !self.read_member(&name, &mut map, &mut value)? {
                map.next_value::<IgnoredAny>()?;
            }
        }
        self.finish();
        Ok(())
    }
}

/// Returns the `iss` of a payload that is not verified yet. It may select a key, nothing else.
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
