//! The registered claims: read in one pass over the payload, each at most once.

use std::{borrow::Cow, fmt, ops::Range};

use serde::{
    Deserialize, Deserializer,
    de::{Error, IgnoredAny, MapAccess, SeqAccess, Visitor, value::MapAccessDeserializer},
};

use crate::{clock::NumericDate, error::AuthErrorKind};

use super::{
    claims::TokenType,
    members::{JsonStr, SeenMembers},
    profile::{Profile, says_access},
    validation::Rules,
};

/// RFC 7519 sets no limit; stores and indexes need one.
const MAX_ID_LEN: usize = 255;

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
    pub(super) fn read(payload: &str, rules: &Rules) -> Result<Self, AuthErrorKind> {
        let mut reader = Reader::new(payload, rules);
        let mut deserializer = serde_json::Deserializer::from_str(payload);
        deserializer.deserialize_map(&mut reader).map_err(|error| kind_of(&error))?;
        deserializer.end().map_err(|error| kind_of(&error))?;
        reader.finish().map_err(|error| kind_of(&error))
    }
}

fn kind_of(error: &serde_json::Error) -> AuthErrorKind {
    if error.is_data() { AuthErrorKind::InvalidClaims } else { AuthErrorKind::Malformed }
}

/// Reads them, member by member.
pub(super) struct Reader<'de> {
    payload: &'de str,
    rules: &'de Rules,
    seen: SeenMembers<'de>,
    expires_at: Option<NumericDate>,
    claims: Registered,
}

impl<'de> Reader<'de> {
    #[inline]
    pub(super) fn new(payload: &'de str, rules: &'de Rules) -> Self {
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
        Self { payload, rules, seen: SeenMembers::new(), expires_at: None, claims }
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

    /// Whether a member of this name has a value that [`read`](Self::read) asks for.
    pub(super) fn understands(&self, name: &str) -> bool {
        let names = self.rules.names();
        name == names.user_id()
            || name == names.token_type()
            || name == names.jti()
            || match name {
                "exp" | "nbf" | "iat" | "auth_time" | "iss" | "sub" | "sid" | "user_epoch"
                | "scope" | "scp" | "aud" => true,
                "client_id" => self.rules.profile == Profile::Rfc9068,
                _ => self.rules.profile.names_use(name),
            }
    }

    /// Reads the member `name`, whose value comes next in `map`.
    pub(super) fn read<A: MapAccess<'de>>(
        &mut self,
        name: &Cow<'de, str>,
        map: &mut A,
    ) -> Result<(), A::Error> {
        let (names, profile) = (self.rules.names(), self.rules.profile);
        self.seen.insert(name)?;
        let name = name.as_ref();
        // A name that was configured comes before the fixed meaning of the same name.
        if name == names.user_id() {
            let id = if profile == Profile::SimpleJwt {
                map.next_value::<TextOrInteger<'de>>()?.0
            } else {
                map.next_value::<Id<'de>>()?.0
            };
            self.claims.user_id = Some(self.text(id));
            if name == "sub" {
                self.claims.subject.clone_from(&self.claims.user_id);
            }
        } else if name == names.token_type() && profile != Profile::Rfc9068 {
            let name = map.next_value::<JsonStr<'de>>()?.0;
            self.claims.token_type = Some(TokenType::from(name.as_ref()));
        } else if name == names.jti() {
            self.claims.jti = Some(self.text(map.next_value::<Id<'de>>()?.0));
        } else {
            match name {
                "sid" | "scope" | "scp" | "auth_time" | "user_epoch" if self.rules.as_pyjwt => {
                    map.next_value::<IgnoredAny>()?;
                }
                "exp" => self.expires_at = Some(map.next_value::<Date>()?.0),
                "nbf" => self.claims.not_before = Some(map.next_value::<Date>()?.0),
                "iat" => self.claims.issued_at = Some(map.next_value::<Date>()?.0),
                "auth_time" => self.claims.auth_time = Some(map.next_value::<Date>()?.0),
                "iss" => self.claims.issuer = Some(self.text(map.next_value::<JsonStr<'de>>()?.0)),
                "sub" => self.claims.subject = Some(self.text(map.next_value::<JsonStr<'de>>()?.0)),
                "sid" => self.claims.session_id = Some(self.text(map.next_value::<Id<'de>>()?.0)),
                "user_epoch" => {
                    self.claims.epoch = Some(self.text(map.next_value::<JsonStr<'de>>()?.0))
                }
                "scope" => self.claims.scope = self.scopes(map.next_value()?),
                "scp" => self.claims.scp = self.scopes(map.next_value()?),
                "aud" => {
                    let accepts = |audience: &str| self.rules.accepts_audience(audience);
                    let accepted = match map.next_value::<OneOrMany<'de>>()? {
                        OneOrMany::One(audience) => accepts(&audience),
                        OneOrMany::Many(list) => list.iter().any(|audience| accepts(audience)),
                    };
                    self.claims.audience =
                        if accepted { Audience::Accepted } else { Audience::Other };
                }
                "client_id" if profile == Profile::Rfc9068 => {
                    map.next_value::<Id<'de>>()?;
                }
                "cnf" => {
                    map.next_value::<IgnoredAny>()?;
                    self.claims.is_bound = true;
                }
                _ if profile.names_use(name) => {
                    self.claims.is_for_other_use |=
                        !says_access(&map.next_value::<JsonStr<'de>>()?.0);
                }
                _ => {
                    map.next_value::<IgnoredAny>()?;
                    self.claims.is_for_other_use |= profile.excludes(name);
                }
            }
        }
        Ok(())
    }

    /// What was read, if all of it was there that is required.
    #[inline]
    pub(super) fn finish<E: Error>(self) -> Result<Registered, E> {
        if !self.rules.required_claims().all(|name| self.seen.contains(name)) {
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
            self.read(&name, &mut map)?;
        }
        Ok(())
    }
}

/// A `NumericDate`: not negative, at most the year 9999; the fraction is dropped.
struct Date(NumericDate);

impl<'de> Deserialize<'de> for Date {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct DateVisitor;

        impl Visitor<'_> for DateVisitor {
            type Value = Date;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("seconds since 1970 up to the year 9999")
            }

            fn visit_u64<E: Error>(self, secs: u64) -> Result<Date, E> {
                if secs > NumericDate::MAX.as_secs() {
                    return Err(E::custom("beyond the year 9999"));
                }
                Ok(Date(NumericDate::from_secs(secs)))
            }

            fn visit_f64<E: Error>(self, secs: f64) -> Result<Date, E> {
                if !(0.0..=NumericDate::MAX.as_secs() as f64).contains(&secs) {
                    return Err(E::custom("not a date"));
                }
                Ok(Date(NumericDate::from_secs(secs as u64)))
            }
        }

        deserializer.deserialize_u64(DateVisitor)
    }
}

/// A string of 1 to 255 bytes without NUL.
struct Id<'a>(Cow<'a, str>);

impl<'de> Deserialize<'de> for Id<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let JsonStr(id) = JsonStr::deserialize(deserializer)?;
        check_id(id).map(Id)
    }
}

fn check_id<E: Error>(id: Cow<'_, str>) -> Result<Cow<'_, str>, E> {
    // PostgreSQL, for one, stores no NUL: such an id would be answered 503 instead of 401.
    if id.is_empty() || id.len() > MAX_ID_LEN || id.contains('\0') {
        return Err(E::custom("an id must have 1 to 255 bytes, none of them NUL"));
    }
    Ok(id)
}

/// A string of 1 to 255 bytes or an integer, as its text.
struct TextOrInteger<'a>(Cow<'a, str>);

impl<'de> Deserialize<'de> for TextOrInteger<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct IdVisitor;

        impl<'de> Visitor<'de> for IdVisitor {
            type Value = TextOrInteger<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a string or an integer")
            }

            fn visit_borrowed_str<E: Error>(self, text: &'de str) -> Result<Self::Value, E> {
                check_id(Cow::Borrowed(text)).map(TextOrInteger)
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Self::Value, E> {
                check_id(Cow::Owned(text.to_owned())).map(TextOrInteger)
            }

            fn visit_u64<E: Error>(self, number: u64) -> Result<Self::Value, E> {
                Ok(TextOrInteger(number.to_string().into()))
            }

            fn visit_i64<E: Error>(self, number: i64) -> Result<Self::Value, E> {
                Ok(TextOrInteger(number.to_string().into()))
            }

            // With serde_json's `arbitrary_precision`, which any crate of the final program may
            // turn on, numbers arrive as a map.
            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
                let number = serde_json::Number::deserialize(MapAccessDeserializer::new(map))?;
                if number.is_u64() || number.is_i64() {
                    Ok(TextOrInteger(number.to_string().into()))
                } else {
                    Err(A::Error::custom("not an integer"))
                }
            }
        }

        deserializer.deserialize_any(IdVisitor)
    }
}

/// A string, or an array of strings.
enum OneOrMany<'a> {
    One(Cow<'a, str>),
    Many(Vec<Cow<'a, str>>),
}

impl<'de> Deserialize<'de> for OneOrMany<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct OneOrManyVisitor;

        impl<'de> Visitor<'de> for OneOrManyVisitor {
            type Value = OneOrMany<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a string or an array of strings")
            }

            fn visit_borrowed_str<E: Error>(self, text: &'de str) -> Result<Self::Value, E> {
                Ok(OneOrMany::One(Cow::Borrowed(text)))
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Self::Value, E> {
                Ok(OneOrMany::One(Cow::Owned(text.to_owned())))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
                let mut texts = Vec::new();
                while let Some(JsonStr(text)) = seq.next_element()? {
                    texts.push(text);
                }
                Ok(OneOrMany::Many(texts))
            }
        }

        deserializer.deserialize_any(OneOrManyVisitor)
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
