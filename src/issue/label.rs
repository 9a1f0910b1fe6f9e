//! Labels of sessions, which may come from clients.

use std::borrow::Cow;

/// How many bytes of a label are stored.
const MAX_LABEL_LEN: usize = 255;

/// Removes invisible control characters from `label` and truncates it. `None` if nothing is left.
pub(super) fn clean_label(label: &str) -> Option<Cow<'_, str>> {
    let label = label.trim();
    let clean = if label.len() <= MAX_LABEL_LEN && !label.contains(is_control) {
        Cow::Borrowed(label)
    } else {
        let mut clean = String::new();
        for char in label.chars().filter(|char| !is_control(*char)) {
            if clean.len() + char.len_utf8() > MAX_LABEL_LEN {
                break;
            }
            clean.push(char);
        }
        clean.into()
    };
    (!clean.is_empty()).then_some(clean)
}

/// Whether `char` is a control character, or changes the direction of the text around it: with those,
/// a label could look like another one.
fn is_control(char: char) -> bool {
    char.is_control()
        || matches!(
            char,
            '\u{061c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}'
                | '\u{2066}'..='\u{2069}'
        )
}
