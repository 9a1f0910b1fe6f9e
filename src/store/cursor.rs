//! Cursors of pages that are ordered by last use.

use crate::clock::NumericDate;

use super::{error::StoreError, facts::MAX_ID_LEN};

/// The cursor after a session.
pub(super) fn format(last_used_at: NumericDate, session_id: &str) -> Box<str> {
    format!("{}.{session_id}", last_used_at.as_secs()).into()
}

/// The session of a cursor.
pub(super) fn parse(cursor: &str) -> Result<(NumericDate, &str), StoreError> {
    let parts = cursor.split_once('.').filter(|(_, id)| id.len() <= MAX_ID_LEN);
    let parsed =
        parts.and_then(|(secs, id)| Some((NumericDate::from_secs(secs.parse().ok()?), id)));
    parsed.ok_or_else(|| StoreError::invalid_input("the cursor is not from this store"))
}
