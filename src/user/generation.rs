//! Generations of accounts, and the session that continues in one.

use aws_lc_rs::{digest, rand};
use base64_simd::URL_SAFE_NO_PAD;

use super::backend::BackendError;

/// How many bytes of a hash name a session.
const SESSION_LEN: usize = 16;

/// Returns a new [generation](super::Account::generation).
///
/// It ends all sessions of the account, except the one with the id `session_id`: that session can still
/// be refreshed, even with a refresh token from before. So the session in which a user changes the
/// password goes on, and because its id is in the generation itself, there is no moment in which it
/// could be lost or another one kept.
///
/// [`AccountBackend`](super::AccountBackend)s of your own store it. It has up to 39 characters of ASCII.
///
/// ```
/// use tower_jwt_auth::user::{User, new_generation};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let (before, after) = (new_generation(None)?, new_generation(Some("5f8b6c2d"))?);
/// let ada: User<()> = User::new(1, ()).with_epoch(after);
/// assert!(ada.may_refresh(Some(&before), Some("5f8b6c2d")));
/// assert!(!ada.may_refresh(Some(&before), Some("e1a7439b")));
/// # Ok(())
/// # }
/// ```
///
/// # Errors
///
/// [`BackendError`] if the operating system provides no random bytes.
pub fn new_generation(session_id: Option<&str>) -> Result<String, BackendError> {
    // A generation is random, not a count: after a restore of the database, a count would return to
    // values that older tokens carry.
    let mut bytes = [0; 8];
    rand::fill(&mut bytes).map_err(BackendError::unavailable)?;
    let generation = format!("{:016x}", u64::from_be_bytes(bytes));
    Ok(match session_id {
        Some(session_id) => format!("{generation}.{}", name_of(session_id)),
        None => generation,
    })
}

/// Whether the session with this id continues in `generation`.
pub(super) fn continues(generation: &str, session_id: &str) -> bool {
    generation.split_once('.').is_some_and(|(_, session)| session == name_of(session_id))
}

/// A hash, because the holders of all later tokens can read it.
fn name_of(session_id: &str) -> String {
    let hash = digest::digest(&digest::SHA256, session_id.as_bytes());
    URL_SAFE_NO_PAD.encode_to_string(&hash.as_ref()[..SESSION_LEN])
}
