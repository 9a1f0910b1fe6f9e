//! The session that goes on in a new generation of its account.

use aws_lc_rs::digest;
use base64_simd::URL_SAFE_NO_PAD;

/// How many bytes of a hash name a session.
const LEN: usize = 16;

/// Whether the session with this id continues in `generation`.
pub(super) fn continues(generation: &str, session_id: &str) -> bool {
    generation.split_once('.').is_some_and(|(_, session)| session == name_of(session_id))
}

/// A hash, because the holders of all later tokens can read it.
pub(super) fn name_of(session_id: &str) -> String {
    let hash = digest::digest(&digest::SHA256, session_id.as_bytes());
    URL_SAFE_NO_PAD.encode_to_string(&hash.as_ref()[..LEN])
}
