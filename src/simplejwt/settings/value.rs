//! Values of settings, in the forms of different configuration sources.

use std::{fmt, str::FromStr, time::Duration};

use serde::{
    Deserialize, Deserializer,
    de::{Error, SeqAccess, Unexpected, Visitor},
};

/// The longest lifetime, in seconds: a thousand years. Sums of times stay far from saturating.
const LONGEST: u64 = 1000 * 366 * 24 * 60 * 60;

/// Whole seconds, or a string of the form `[D ]HH:MM:SS`.
pub(super) struct Lifetime(pub(super) Duration);

impl FromStr for Lifetime {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let number = |text: &str| match text.bytes().all(|byte| byte.is_ascii_digit()) {
            true => text.parse::<u64>().map_err(|_| ()),
            false => Err(()),
        };
        let text = text.trim();
        if !text.contains(':') {
            return number(text).and_then(Self::from_secs);
        }
        // Like `django.utils.dateparse.parse_duration`, this also accepts the form of
        // `str(timedelta)`: `1 day, 0:00:00`.
        let (days, clock) = match text.rsplit_once(' ') {
            Some((days, clock)) => {
                let days = days.trim_end_matches(',').trim_end_matches('s');
                (number(days.trim_end_matches("day").trim_end())?, clock)
            }
            None => (0, text),
        };
        let parts: Vec<u64> = clock.split(':').map(number).collect::<Result<_, _>>()?;
        let &[hours, minutes, seconds] = &parts[..] else { return Err(()) };
        if minutes > 59 || seconds > 59 {
            return Err(());
        }
        let days = days.checked_mul(24).and_then(|days| days.checked_add(hours)).ok_or(())?;
        let minutes = days.checked_mul(60).and_then(|hours| hours.checked_add(minutes)).ok_or(())?;
        let seconds = minutes.checked_mul(60).and_then(|m| m.checked_add(seconds)).ok_or(())?;
        Self::from_secs(seconds)
    }
}

impl Lifetime {
    fn from_secs(secs: u64) -> Result<Self, ()> {
        if secs <= LONGEST { Ok(Self(Duration::from_secs(secs))) } else { Err(()) }
    }
}

impl<'de> Deserialize<'de> for Lifetime {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct LifetimeVisitor;

        impl Visitor<'_> for LifetimeVisitor {
            type Value = Lifetime;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("whole seconds, or a string like \"HH:MM:SS\" or \"D HH:MM:SS\"")
            }

            fn visit_u64<E: Error>(self, secs: u64) -> Result<Lifetime, E> {
                Lifetime::from_secs(secs)
                    .map_err(|()| E::invalid_value(Unexpected::Unsigned(secs), &self))
            }

            fn visit_i64<E: Error>(self, secs: i64) -> Result<Lifetime, E> {
                let unsigned = u64::try_from(secs);
                let unsigned = unsigned.map_err(|_| Unexpected::Signed(secs));
                unsigned
                    .map_err(|secs| E::invalid_value(secs, &self))
                    .and_then(|s| self.visit_u64(s))
            }

            fn visit_f64<E: Error>(self, secs: f64) -> Result<Lifetime, E> {
                if secs.fract() == 0.0 && (0.0..=LONGEST as f64).contains(&secs) {
                    self.visit_u64(secs as u64)
                } else {
                    Err(E::invalid_value(Unexpected::Float(secs), &self))
                }
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Lifetime, E> {
                text.parse().map_err(|()| E::invalid_value(Unexpected::Str(text), &self))
            }
        }

        deserializer.deserialize_any(LifetimeVisitor)
    }
}

/// A boolean, or a string that holds one.
pub(super) struct Flag(pub(super) bool);

impl<'de> Deserialize<'de> for Flag {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct FlagVisitor;

        impl Visitor<'_> for FlagVisitor {
            type Value = Flag;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("true or false")
            }

            fn visit_bool<E: Error>(self, value: bool) -> Result<Flag, E> {
                Ok(Flag(value))
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Flag, E> {
                match text.to_ascii_lowercase().as_str() {
                    "true" => Ok(Flag(true)),
                    "false" => Ok(Flag(false)),
                    _ => Err(E::invalid_value(Unexpected::Str(text), &self)),
                }
            }
        }

        deserializer.deserialize_any(FlagVisitor)
    }
}

/// A string, or a list of strings.
pub(super) enum Strings {
    One(String),
    Many(Vec<String>),
}

impl Strings {
    /// The items of a list. A single string is split at its commas.
    pub(super) fn into_list(self) -> Vec<String> {
        match self {
            Self::One(text) => text.split(',').map(|part| part.trim().to_owned()).collect(),
            Self::Many(list) => list,
        }
    }
}

impl<'de> Deserialize<'de> for Strings {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct StringsVisitor;

        impl<'de> Visitor<'de> for StringsVisitor {
            type Value = Strings;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a string or a list of strings")
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Strings, E> {
                Ok(Strings::One(text.to_owned()))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Strings, A::Error> {
                let mut strings = Vec::new();
                while let Some(text) = seq.next_element()? {
                    strings.push(text);
                }
                Ok(Strings::Many(strings))
            }
        }

        deserializer.deserialize_any(StringsVisitor)
    }
}
