use super::super::error::StoreError;

/// The longest id or label that a store accepts, in bytes.
pub const MAX_ID_LEN: usize = 255;

/// Rejects ids and labels that are too long.
pub(in super::super) fn check_lengths<'a>(
    strings: impl IntoIterator<Item = &'a str>,
) -> Result<(), StoreError> {
    if strings.into_iter().any(|string| string.len() > MAX_ID_LEN) {
        return Err(StoreError::invalid_input("an id or label is longer than 255 bytes"));
    }
    Ok(())
}
