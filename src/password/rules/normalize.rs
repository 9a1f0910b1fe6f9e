use unicode_normalization::UnicodeNormalization;
use zeroize::Zeroizing;

use super::python;

/// The form in which passwords are compared with lists and words: NFKC, lower case, without
/// surrounding whitespace.
pub(super) fn normalize(text: &str) -> Zeroizing<String> {
    let folded = text.nfkc().flat_map(char::to_lowercase);
    let folded = Zeroizing::new(folded.collect::<String>());
    Zeroizing::new(python::strip(&folded).to_owned())
}
