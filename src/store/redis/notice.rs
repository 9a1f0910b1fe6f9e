//! The messages of the channels.

use std::time::{Duration, SystemTime};

use redis::Msg;

use crate::clock::NumericDate;

use super::super::replica::Revoked;

/// Reads the message that `write_and_publish` in the scripts sends.
pub(super) fn revoked_by(prefix: &str, message: &Msg) -> Option<Revoked> {
    let (key, field, time, ttl): (String, String, u64, u64) =
        serde_json::from_slice(message.get_payload_bytes()).ok()?;
    revoked(prefix, &key, &field, time, ttl)
}

/// Reads an entry that revokes something. A user is remembered as long as its hash, for `ttl` seconds
/// from now.
pub(super) fn revoked(
    prefix: &str,
    key: &str,
    field: &str,
    time: u64,
    ttl: u64,
) -> Option<Revoked> {
    let user_id = key.strip_prefix(prefix)?.into();
    let time = NumericDate::from_secs(time);
    Some(match (field.strip_prefix("s:"), field.strip_prefix('t')) {
        (Some(id), _) => Revoked::Session { user_id, session_id: id.into(), keep_until: time },
        (_, Some(token)) => {
            let (_, jti) = token.split_once(':')?;
            Revoked::Token { user_id, jti: jti.into(), keep_until: time }
        }
        _ if field == "u" => {
            let now = NumericDate::from(SystemTime::now());
            let keep_until = now.saturating_add(Duration::from_secs(ttl));
            Revoked::User { user_id, at: time, keep_until }
        }
        _ => return None,
    })
}

pub(super) fn heartbeat_number(message: &Msg) -> Option<u64> {
    message.get_payload::<String>().ok()?.parse().ok()
}
