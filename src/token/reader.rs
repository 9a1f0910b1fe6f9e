//! Reads the registered claims in one pass over the payload.

use std::{borrow::Cow, fmt};

use serde::{
    Deserializer,
    de::{Error, IgnoredAny, MapAccess, Visitor},
};

use crate::{
    clock::NumericDate,
    error::{AuthError, AuthErrorKind, ErrorDetails},
};

use super::{
    claim_names::ClaimNames,
    claim_value::ClaimValue,
    members::{JsonStr, SeenMembers},
    registered::{AudienceMatch, ClientMatch, MarkClaim, PayloadStr, Registered, Scopes},
    token_profile::{TokenProfile, TokenUse},
    token_type::TokenType,
    user_id::UserId,
    validation::Rules,
};

/// Reads the registered claims of `payload`, which must be a JSON object without duplicate members.
pub(super) fn read_registered(
    payload: &str,
    rules: &Rules,
    now: NumericDate,
) -> Result<Registered, AuthError> {
    // The claims that no rule uses and whose values cannot be read. Each pass finds at most one.
    let mut skipped = 0;
    loop {
        let mut registered = rules.initial_claims();
        let mut reader = Reader { skipped, ..Reader::new(payload, rules, now, &mut registered) };
        let mut deserializer = serde_json::Deserializer::from_str(payload);
        let read = deserializer.deserialize_map(&mut reader).and_then(|()| deserializer.end());
        if reader.found_expired() {
            return Err(AuthErrorKind::Expired.into());
        }
        match read {
            Ok(()) if reader.is_complete() => return Ok(registered),
            Ok(()) => return Err(reader.incomplete()),
            Err(error) => match reader.unused_claim(&error) {
                Some(claim) => skipped |= claim.bit(),
                None => return Err(reader.error(&error)),
            },
        }
    }
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
    Amr,
    Acr,
    Issuer,
    Subject,
    SessionId,
    Epoch,
    Scope,
    Scp,
    Audience,
    ClientId,
    AuthorizedParty,
    Nonce,
    Typ,
    TokenUse,
}

impl Claim {
    const fn bit(self) -> u32 {
        1 << self as u32
    }

    fn name(self, names: &ClaimNames) -> Cow<'static, str> {
        let name = match self {
            Self::UserId => return names.user_id().to_owned().into(),
            Self::TokenType => return names.token_type().to_owned().into(),
            Self::Jti => return names.jti().to_owned().into(),
            Self::ExpiresAt => "exp",
            Self::NotBefore => "nbf",
            Self::IssuedAt => "iat",
            Self::AuthTime => "auth_time",
            Self::Amr => "amr",
            Self::Acr => "acr",
            Self::Issuer => "iss",
            Self::Subject => "sub",
            Self::SessionId => "sid",
            Self::Epoch => "user_epoch",
            Self::Scope => "scope",
            Self::Scp => "scp",
            Self::Audience => "aud",
            Self::ClientId => "client_id",
            Self::AuthorizedParty => "azp",
            Self::Nonce => "nonce",
            Self::Typ => "typ",
            Self::TokenUse => "token_use",
        };
        name.into()
    }

    /// The rule for the JSON type and the form of the value.
    const fn form(self) -> &'static str {
        match self {
            Self::UserId | Self::Jti | Self::SessionId | Self::ClientId | Self::AuthorizedParty => {
                "expected an id"
            }
            Self::ExpiresAt | Self::NotBefore | Self::IssuedAt | Self::AuthTime => {
                "expected a number of seconds from 1970 to 9999"
            }
            Self::TokenType
            | Self::Issuer
            | Self::Subject
            | Self::Epoch
            | Self::Acr
            | Self::Nonce
            | Self::Typ
            | Self::TokenUse => "expected a string",
            Self::Scope | Self::Scp | Self::Audience | Self::Amr => {
                "expected a string or an array of strings"
            }
        }
    }
}

/// The rule that a payload violates, and the claim that violates it.
#[derive(Clone, Copy)]
struct Violation {
    claim: Option<Claim>,
    rule: &'static str,
}

const DUPLICATE: Violation =
    Violation { claim: None, rule: "at most 256 members, and no duplicates" };

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
    /// The [bits](Claim::bit) of claims whose values are not read.
    skipped: u32,
    /// The violation that ended the reading.
    violation: Option<Violation>,
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
            skipped: 0,
            violation: None,
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
        match map.next_value_seed(&mut *value) {
            Ok(()) if self.read(claim, value).is_some() => Ok(true),
            read => self.note_invalid(claim, read),
        }
    }

    /// Accepts the value of `claim` if it is not used. Otherwise notes that it is invalid.
    #[cold]
    fn note_invalid<E: Error>(&mut self, claim: Claim, read: Result<(), E>) -> Result<bool, E> {
        if read.is_ok() && !self.uses(claim) {
            return Ok(true);
        }
        self.violation = Some(Violation { claim: Some(claim), rule: claim.form() });
        read?;
        Err(E::custom("invalid claim"))
    }

    /// Returns whether a rule, or a part of this crate that is built around the verifier, uses the
    /// claim. Others have any type: ADFS writes `auth_time` as a date, for example.
    fn uses(&self, claim: Claim) -> bool {
        if self.rules.as_pyjwt {
            return true;
        }
        match claim {
            Claim::Audience => self.rules.uses_audience(),
            // `Claim::UserId` if it is the user id.
            Claim::Subject => false,
            // For the lifetime of a session, for users that have changed, and for the next tokens.
            Claim::AuthTime | Claim::Epoch | Claim::Amr | Claim::Acr => {
                self.rules.accepts_refresh_tokens()
            }
            _ => true,
        }
    }

    /// Returns the claim that caused `error`, if no rule uses it.
    fn unused_claim(&self, error: &serde_json::Error) -> Option<Claim> {
        let Violation { claim, rule } = self.violation?;
        claim.filter(|claim| error.is_data() && rule == claim.form() && !self.uses(*claim))
    }

    /// The error for a payload without a required claim.
    fn incomplete(&self) -> AuthError {
        let details = ErrorDetails {
            member: self.missing().map(|name| name.to_owned().into()),
            rule: Some("required".into()),
            ..ErrorDetails::default()
        };
        AuthError::with_details(AuthErrorKind::InvalidClaims, details)
    }

    /// The error for a payload that could not be read.
    fn error(&self, error: &serde_json::Error) -> AuthError {
        if !error.is_data() {
            return AuthErrorKind::Malformed.into();
        }
        let Violation { claim, rule } =
            self.violation.unwrap_or(Violation { claim: None, rule: "expected a JSON object" });
        let details = ErrorDetails {
            member: claim.map(|claim| claim.name(self.rules.names())),
            rule: Some(rule.into()),
            ..ErrorDetails::default()
        };
        AuthError::with_details(AuthErrorKind::InvalidClaims, details)
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
        self.is_finished && !self.has_failed && self.missing().is_none()
    }

    /// Returns the name of a required claim that is missing.
    fn missing(&self) -> Option<&str> {
        if self.claims.has_expiry || self.rules.as_pyjwt || self.rules.exp_optional {
            self.rules.required_claims().find(|name| !self.has(name))
        } else {
            Some("exp")
        }
    }

    #[expect(clippy::ptr_arg, reason = "a borrowed name outlives the reference to it")]
    fn note<E: Error>(&mut self, name: &Cow<'de, str>) -> Result<Option<Claim>, E> {
        let Some(claim) = self.claim(name) else {
            if self.rules.may_repeat != Some(name) {
                self.seen.insert(name).inspect_err(|_| self.violation = Some(DUPLICATE))?;
            }
            self.claims.is_bound |= name == "cnf";
            self.rules.profile.note_claim(name, &mut self.claims.uses);
            return Ok(None);
        };
        if self.seen_claims & claim.bit() != 0 {
            self.violation = Some(Violation { claim: Some(claim), ..DUPLICATE });
            return Err(E::custom("duplicate claim"));
        }
        self.seen_claims |= claim.bit();
        Ok(Some(claim).filter(|claim| self.skipped & claim.bit() == 0))
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
            "sid" | "scope" | "scp" | "auth_time" | "amr" | "acr" | "user_epoch"
                if self.rules.as_pyjwt =>
            {
                return None;
            }
            "sid" => Claim::SessionId,
            "scope" => Claim::Scope,
            "scp" => Claim::Scp,
            "auth_time" => Claim::AuthTime,
            "amr" => Claim::Amr,
            "acr" => Claim::Acr,
            "user_epoch" => Claim::Epoch,
            _ if name == names.user_id() => Claim::UserId,
            _ if name == names.token_type() && profile != TokenProfile::Rfc9068 => Claim::TokenType,
            _ if name == names.jti() => Claim::Jti,
            "sub" => Claim::Subject,
            "client_id" if profile == TokenProfile::Rfc9068 || self.rules.clients.is_some() => {
                Claim::ClientId
            }
            "azp" if profile == TokenProfile::IdToken || self.rules.clients.is_some() => {
                Claim::AuthorizedParty
            }
            "nonce" if profile == TokenProfile::IdToken => Claim::Nonce,
            "typ" if profile.is_foreign() => Claim::Typ,
            "token_use" if profile.is_foreign() => Claim::TokenUse,
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
                let name = value.string()?;
                self.claims.token_type = Some(TokenType::from(name.as_ref()));
                self.note_use(MarkClaim::TokenType, name);
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
            Claim::Amr => {
                let methods = value.strings()?.iter().map(|method| method.as_ref().into());
                self.claims.amr = methods.collect();
            }
            Claim::Acr => self.claims.acr = Some(self.payload_str(value.string()?)),
            Claim::Issuer => self.claims.issuer = Some(self.payload_str(value.string()?)),
            Claim::Subject => self.claims.subject = Some(self.payload_str(value.string()?)),
            Claim::SessionId => self.claims.session_id = Some(self.payload_str(value.id()?)),
            Claim::Epoch => self.claims.epoch = Some(self.payload_str(value.string()?)),
            Claim::Scope => self.claims.scope = self.scopes(value)?,
            Claim::Scp => self.claims.scp = self.scopes(value)?,
            Claim::Audience => {
                let audiences = value.strings()?;
                let is_accepted = |audience: &Cow<'_, str>| self.rules.accepts_audience(audience);
                let accepted = audiences.iter().filter(|audience| is_accepted(audience)).count();
                self.claims.has_several_audiences = audiences.len() > 1;
                self.claims.audience = match (accepted, audiences.len()) {
                    (_, 0) => AudienceMatch::Absent,
                    (0, _) => AudienceMatch::Other,
                    (accepted, all) if accepted < all => AudienceMatch::Mixed,
                    _ => AudienceMatch::Accepted,
                };
            }
            Claim::ClientId => self.note_client(MarkClaim::ClientId, value.id()?),
            Claim::AuthorizedParty => self.note_client(MarkClaim::AuthorizedParty, value.id()?),
            Claim::Nonce => self.claims.nonce = Some(self.payload_str(value.string()?)),
            Claim::Typ => self.note_use(MarkClaim::Typ, value.string()?),
            Claim::TokenUse => self.note_use(MarkClaim::TokenUse, value.string()?),
        }
        Some(())
    }

    fn note_client(&mut self, claim: MarkClaim, client: &str) {
        if !self.rules.accepts_client(client) {
            self.claims.client = ClientMatch::Other(claim);
        } else if self.claims.client == ClientMatch::Absent {
            self.claims.client = ClientMatch::Accepted;
        }
    }

    /// Notes what the value of the type claim `claim` shows about the use of the token.
    fn note_use(&mut self, claim: MarkClaim, value: &str) {
        let (profile, uses) = (self.rules.profile, &mut self.claims.uses);
        if profile.is_foreign() {
            if value.eq_ignore_ascii_case("DPoP") {
                self.claims.is_dpop = true;
                self.claims.is_bound = true;
            }
            let token_use = TokenUse::of(value);
            uses.access |= token_use == TokenUse::Access;
            if !profile.permits(token_use) {
                uses.other = Some(claim);
            }
        }
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
        let id = value.name().filter(|id| id.len() <= self.rules.max_user_id_len)?;
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
