use std::{fmt, sync::Arc};

use super::{
    blocklist::Blocklist, problem::PasswordProblem, similarity::Similarity, strength::MinStrength,
    user_attributes::UserAttributes, words::Words,
};

pub(super) type OwnRule =
    dyn Fn(&str, &UserAttributes) -> Option<PasswordProblem> + Send + Sync + 'static;

/// Which rules apply. Lengths are in characters.
#[derive(Clone)]
pub(super) struct Settings {
    pub(super) min_length: usize,
    pub(super) min_length_with_second_factor: usize,
    pub(super) max_length: usize,
    pub(super) similarity: Similarity,
    pub(super) blocklist: Blocklist,
    pub(super) blocked_words: Words,
    pub(super) reject_digits: bool,
    pub(super) min_strength: Option<MinStrength>,
    pub(super) own_rules: Vec<Arc<OwnRule>>,
}

impl Settings {
    /// NIST SP 800-63B-4, section 3.1.1.2.
    pub(super) fn nist() -> Self {
        Self {
            min_length: 15,
            min_length_with_second_factor: 8,
            max_length: 128,
            similarity: Similarity::Derived,
            blocklist: Blocklist::Common,
            blocked_words: Words::default(),
            reject_digits: false,
            min_strength: None,
            own_rules: Vec::new(),
        }
    }

    /// The validators of a new Django project.
    pub(super) fn django() -> Self {
        Self {
            min_length: 8,
            min_length_with_second_factor: 8,
            similarity: Similarity::Django,
            blocklist: Blocklist::Django,
            reject_digits: true,
            ..Self::nist()
        }
    }
}

impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PasswordRules")
            .field("min_length", &self.min_length)
            .field("min_length_with_second_factor", &self.min_length_with_second_factor)
            .field("max_length", &self.max_length)
            .field("similarity", &self.similarity)
            .field("blocklist", &self.blocklist)
            .field("blocked_words", &self.blocked_words)
            .field("reject_digits", &self.reject_digits)
            .field("min_strength", &self.min_strength.as_ref().map(|strength| strength.score))
            .field("own_rules", &self.own_rules.len())
            .finish()
    }
}
