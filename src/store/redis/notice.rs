//! The messages of the channels.

use redis::Msg;

use crate::clock::NumericDate;

use super::{super::replica::Revoked, keys::Keys, reply::UnexpectedReply};

/// Reads a message of the scripts that revoke something; `None` if it is a ping.
pub(super) fn revoked_by(keys: &Keys, message: &Msg) -> Result<Option<Revoked>, UnexpectedReply> {
    let payload = message.get_payload_bytes();
    if payload.is_empty() {
        return Ok(None);
    }
    let (user, field, keep_until, at): (String, String, u64, Option<u64>) =
        serde_json::from_slice(payload).map_err(|_| UnexpectedReply)?;
    revoked(keys, &user, &field, keep_until, at).map(Some)
}

/// Reads an entry of the user's hash that revokes something.
pub(super) fn revoked(
    keys: &Keys,
    user: &str,
    field: &str,
    keep_until: u64,
    at: Option<u64>,
) -> Result<Revoked, UnexpectedReply> {
    let user_id = keys.user_id(user).ok_or(UnexpectedReply)?;
    let keep_until = NumericDate::from_secs(keep_until);
    if let Some(at) = at {
        return Ok(Revoked::User { user_id, at: NumericDate::from_secs(at), keep_until });
    }
    if let Some(session_id) = field.strip_prefix("s:") {
        return Ok(Revoked::Session { user_id, session_id: session_id.into(), keep_until });
    }
    let token = field.strip_prefix('t').and_then(|token| token.split_once(':'));
    let (_, jti) = token.ok_or(UnexpectedReply)?;
    Ok(Revoked::Token { user_id, jti: jti.into(), keep_until })
}

pub(super) fn heartbeat_number(message: &Msg) -> Result<u64, UnexpectedReply> {
    let payload: String = message.get_payload().map_err(|_| UnexpectedReply)?;
    payload.parse().map_err(|_| UnexpectedReply)
}
