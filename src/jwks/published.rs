//! The keys of a document, and those of them that cannot be used.

use std::fmt::Write;

use crate::{clock::NumericDate, error::ConfigError, token::VerifyingKey};

use super::certificate::Validity;

/// The longest document, in keys.
pub(super) const MAX_KEYS: usize = 100;

/// A usable key.
pub(super) struct PublishedKey {
    pub(super) key: VerifyingKey,
    /// The validity of the certificate that the key was read from.
    pub(super) validity: Option<Validity>,
}

/// Why a key cannot be used.
pub(super) struct Unusable {
    reason: ConfigError,
    /// Whether documents commonly have such keys.
    is_common: bool,
}

impl Unusable {
    pub(super) const fn common(reason: ConfigError) -> Self {
        Self { reason, is_common: true }
    }
}

impl From<ConfigError> for Unusable {
    fn from(reason: ConfigError) -> Self {
        Self { reason, is_common: false }
    }
}

/// The keys of one document.
#[derive(Default)]
pub(super) struct PublishedKeys {
    keys: Vec<PublishedKey>,
    /// The other keys, each with its position in the document.
    unusable: Vec<(usize, Unusable)>,
}

impl PublishedKeys {
    /// Collects the keys of a document in their order, except ambiguous ones.
    pub(super) fn collect(
        parsed: impl IntoIterator<Item = Result<PublishedKey, Unusable>>,
    ) -> Self {
        let (mut usable, mut unusable) = (Vec::new(), Vec::new());
        for (position, key) in parsed.into_iter().enumerate() {
            match key {
                Ok(key) => usable.push((position, key)),
                Err(error) => unusable.push((position, error)),
            }
        }
        let ambiguous: Vec<_> = (0..usable.len()).map(|index| ambiguity(&usable, index)).collect();
        let mut keys = Vec::new();
        for ((position, key), ambiguity) in usable.into_iter().zip(ambiguous) {
            match ambiguity {
                None => keys.push(key),
                Some(error) => unusable.push((position, error)),
            }
        }
        Self { keys, unusable }
    }

    /// The number of keys in the document.
    pub(super) fn len(&self) -> usize {
        self.keys.len() + self.unusable.len()
    }

    /// The keys that are valid now.
    pub(super) fn valid_at(&self, now: NumericDate) -> Vec<VerifyingKey> {
        let is_valid = |key: &&PublishedKey| key.validity.is_none_or(|period| period.contains(now));
        self.keys.iter().filter(is_valid).map(|key| key.key.clone()).collect()
    }

    /// The next time at which a key becomes valid or ceases to be valid.
    pub(super) fn next_change(&self, now: NumericDate) -> Option<NumericDate> {
        let periods = self.keys.iter().filter_map(|key| key.validity);
        let second = std::time::Duration::from_secs(1);
        periods
            .flat_map(|period| [period.not_before, period.not_after.saturating_add(second)])
            .filter(|change| *change > now)
            .min()
    }

    /// Describes the keys that cannot be used now, without their content, and returns whether any of
    /// the reasons is uncommon. `None` if there are no such keys.
    pub(super) fn describe_unusable(&self, now: NumericDate) -> Option<(String, bool)> {
        let invalid = self
            .keys
            .iter()
            .filter(|key| key.validity.is_some_and(|period| !period.contains(now)))
            .count();
        let mut text = String::new();
        for (position, error) in &self.unusable {
            // Writing to a string does not fail.
            write!(text, "key {position}: {}; ", error.reason).ok();
        }
        if invalid > 0 {
            write!(text, "{invalid} with a certificate that is not valid now; ").ok();
        }
        text.truncate(text.trim_end_matches("; ").len());
        let is_uncommon = invalid > 0 || self.unusable.iter().any(|(_, error)| !error.is_common);
        (!text.is_empty()).then_some((text, is_uncommon))
    }
}

/// Whether another key has the id and the algorithm of the key at `index`. Of two equal keys, only
/// the second one counts as ambiguous.
fn ambiguity(keys: &[(usize, PublishedKey)], index: usize) -> Option<Unusable> {
    let key = &keys[index].1.key;
    let has_same_name =
        |other: &VerifyingKey| other.kid() == key.kid() && other.algorithm() == key.algorithm();
    let mut same = keys
        .iter()
        .enumerate()
        .filter(|(other, (_, published))| *other != index && has_same_name(&published.key));
    if same.clone().any(|(_, (_, other))| other.key.thumbprint() != key.thumbprint()) {
        return Some(ConfigError::key("another key has the same id and algorithm").into());
    }
    same.any(|(other, _)| other < index)
        .then(|| Unusable::common(ConfigError::key("the key is a duplicate")))
}
