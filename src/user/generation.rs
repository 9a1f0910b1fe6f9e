//! Generations of accounts.

use aws_lc_rs::rand;

use super::{backend::BackendError, continued_session::name_of};

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
