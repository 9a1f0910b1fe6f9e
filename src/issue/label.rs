//! Labels of sessions, which may come from clients.

use std::borrow::Cow;

/// How many bytes of a label are stored.
const MAX_LABEL_LEN: usize = 255;

/// Removes control characters from `label` and truncates it. `None` if nothing is left.
pub(super) fn clean_label(label: &str) -> Option<Cow<'_, str>> {
    let label = label.trim();
    let clean = if label.len() <= MAX_LABEL_LEN && !label.contains(char::is_control) {
        Cow::Borrowed(label)
    } else {
        let mut clean = String::new();
        for char in label.chars().filter(|char| !char.is_control()) {
            if clean.len() + char.len_utf8() > MAX_LABEL_LEN {
                break;
            }
            clean.push(char);
        }
        clean.into()
    };
    (!clean.is_empty()).then_some(clean)
}
