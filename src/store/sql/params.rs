//! Values as parameters and columns hold them.

use std::borrow::Cow;

use sqlx::Error;

use crate::clock::NumericDate;

use super::{
    super::facts::ConsumeId,
    engine::{Engine, Param, Row},
};

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

pub(super) fn text(text: &str) -> Param<'_> {
    Param::Text(Some(escaped(text)))
}

/// The id that is consumed. One that is not of a token begins with two characters with which no
/// [`escaped`] text begins.
pub(super) fn consumed(id: ConsumeId<'_>) -> Param<'_> {
    match id {
        ConsumeId::Token(jti) => text(jti),
        ConsumeId::Other(id) => Param::Text(Some(format!("{ESCAPE}2{}", escaped(id)).into())),
    }
}

pub(super) fn time(time: NumericDate) -> Param<'static> {
    seconds(time.as_secs())
}

/// No sum of two of these overflows.
pub(super) fn seconds(seconds: u64) -> Param<'static> {
    Param::Int(seconds.min(NumericDate::MAX.as_secs()).cast_signed())
}

pub(super) fn count(count: usize) -> Param<'static> {
    Param::Int(i64::try_from(count).unwrap_or(i64::MAX))
}

pub(super) fn time_at<E: Engine>(row: &Row<E>, column: usize) -> Result<NumericDate, Error> {
    let secs = E::int(row, column)?.unwrap_or_default();
    Ok(NumericDate::from_secs(u64::try_from(secs).unwrap_or_default()))
}
