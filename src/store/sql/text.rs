//! Ids and labels as columns hold them.

use std::borrow::Cow;

/// PostgreSQL's text holds any character but NUL, which therefore is written as two others.
const NUL: char = '\0';
const ESCAPE: char = '\u{1}';

pub(super) fn escaped(text: &str) -> Cow<'_, str> {
    if !text.contains([NUL, ESCAPE]) {
        return text.into();
    }
    let mut escaped = String::with_capacity(text.len() + 8);
    for char in text.chars() {
        match char {
            NUL => escaped.extend([ESCAPE, '0']),
            ESCAPE => escaped.extend([ESCAPE, '1']),
            _ => escaped.push(char),
        }
    }
    escaped.into()
}

pub(super) fn unescaped(text: String) -> Box<str> {
    if !text.contains(ESCAPE) {
        return text.into();
    }
    let mut unescaped = String::with_capacity(text.len());
    let mut chars = text.chars();
    while let Some(char) = chars.next() {
        match char {
            ESCAPE if chars.next() == Some('0') => unescaped.push(NUL),
            ESCAPE => unescaped.push(ESCAPE),
            _ => unescaped.push(char),
        }
    }
    unescaped.into()
}
