//! Passwords that consist of words that an attacker expects.

use zeroize::Zeroizing;

use super::{normalize::normalize, python::is_word};

/// The most characters that a password may add to the words.
const MAX_OTHERS: usize = 7;

/// Words in [normal form](normalize), the longest first.
#[derive(Clone, Debug, Default)]
pub(super) struct Words(Vec<String>);

impl Words {
    /// Adds `text` and the words in it. Returns `false` if it contains none.
    pub(super) fn add(&mut self, text: &str) -> bool {
        let text = normalize(text);
        let words = text.split(|c| !is_word(c)).filter(|word| !word.is_empty());
        let count = self.0.len();
        self.0.extend(words.map(str::to_owned));
        if self.0.len() == count {
            return false;
        }
        self.0.push((*text).clone());
        self.0.sort_unstable_by_key(|word| std::cmp::Reverse(word.len()));
        true
    }

    pub(super) fn into_vec(self) -> Vec<String> {
        self.0
    }

    /// Whether a password in normal form contains one of the words.
    pub(super) fn occur_in(&self, password: &str) -> bool {
        self.0.iter().any(|word| password.contains(&**word))
    }

    /// Whether a password in normal form consists of the words and a few other characters, none of
    /// them a letter.
    pub(super) fn make_up(&self, password: &str) -> bool {
        if !self.occur_in(password) {
            return false;
        }
        let mut rest = Zeroizing::new(password.to_owned());
        for word in &self.0 {
            rest = Zeroizing::new(rest.replace(&**word, ""));
        }
        rest.chars().count() <= MAX_OTHERS && !rest.contains(char::is_alphabetic)
    }
}
