use zeroize::Zeroizing;

use super::python::is_word;

/// How a password is compared with the attributes of its user.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Similarity {
    /// Not at all.
    Off,
    /// A password is rejected if it consists of attributes or their words, in any number and order,
    /// with at most seven other characters, none of them a letter: `ada-lovelace-1815` for Ada
    /// Lovelace.
    Derived,
    /// A password is rejected if it has about the same characters as an attribute or one of its
    /// words, as Django's `UserAttributeSimilarityValidator` decides: at least 0.7 by the
    /// `quick_ratio` of Python's `difflib`.
    Django,
}

/// The least ratio of similar strings.
const MAX_SIMILARITY: f64 = 0.7;

/// The characters of a password, prepared for comparison with attributes.
pub(super) struct Letters(Zeroizing<Vec<char>>);

impl Letters {
    pub(super) fn of(password: &str) -> Self {
        let password = Zeroizing::new(password.to_lowercase());
        Self(Zeroizing::new(sorted(&password)))
    }

    pub(super) fn are_similar_to(&self, value: &str) -> bool {
        let value = value.to_lowercase();
        let parts = value.split(|c| !is_word(c)).filter(|part| !part.is_empty());
        // Python's `re.split` returns an empty part at each end with a separator. An empty password
        // is similar to it.
        let has_empty_part = !value.starts_with(is_word) || !value.ends_with(is_word);
        let mut parts = parts.chain(has_empty_part.then_some("")).chain([&*value]);
        parts.any(|part| self.quick_ratio(part) >= MAX_SIMILARITY)
    }

    /// `difflib.SequenceMatcher(a=password, b=other).quick_ratio()`, or less than
    /// [`MAX_SIMILARITY`] if that is.
    fn quick_ratio(&self, other: &str) -> f64 {
        let count = other.chars().count();
        let upper_bound = ratio(self.0.len().min(count), self.0.len() + count);
        if upper_bound < MAX_SIMILARITY {
            return upper_bound;
        }
        ratio(common(&self.0, &sorted(other)), self.0.len() + count)
    }
}

fn sorted(text: &str) -> Vec<char> {
    let mut chars: Vec<_> = text.chars().collect();
    chars.sort_unstable();
    chars
}

fn ratio(matches: usize, len: usize) -> f64 {
    if len == 0 { 1.0 } else { 2.0 * matches as f64 / len as f64 }
}

/// The number of elements of the intersection of two sorted multisets.
fn common(mut left: &[char], mut right: &[char]) -> usize {
    let mut count = 0;
    while let ([a, left_rest @ ..], [b, right_rest @ ..]) = (left, right) {
        count += usize::from(a == b);
        (left, right) =
            (if a <= b { left_rest } else { left }, if b <= a { right_rest } else { right });
    }
    count
}
