//! What Redis replies.

use std::{error::Error, fmt};

use redis::{ErrorKind, FromRedisValue, RedisError, RedisResult, Value};

use super::super::error::StoreError;

pub(super) fn decode<T: FromRedisValue>(reply: RedisResult<Value>) -> Result<T, StoreError> {
    let reply = reply.map_err(|error| {
        if is_misconfigured(&error) {
            StoreError::misconfigured(error)
        } else {
            StoreError::unavailable(error)
        }
    })?;
    // The error of redis-rs would quote the reply, and ids must not be logged.
    T::from_redis_value(reply).map_err(|_| StoreError::unavailable(UnexpectedReply))
}

/// Whether Redis rejects the user, the password or the number of the database.
fn is_misconfigured(error: &RedisError) -> bool {
    // Redis sends no code for the last two, which are the response to `SELECT`.
    let is_rejection = |detail: &str| {
        detail.contains("Authentication required") || detail.contains("DB index is out of range")
    };
    error.kind() == ErrorKind::AuthenticationFailed
        || matches!(error.code(), Some("NOAUTH" | "WRONGPASS"))
        || error.detail().is_some_and(is_rejection)
}

#[derive(Debug)]
pub(super) struct UnexpectedReply;

impl fmt::Display for UnexpectedReply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Redis sent an unexpected reply")
    }
}

impl Error for UnexpectedReply {}
