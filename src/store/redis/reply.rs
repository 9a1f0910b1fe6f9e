//! What Redis replies.

use std::{error::Error, fmt};

use redis::{FromRedisValue, RedisResult, Value};

use super::super::error::StoreError;

pub(super) fn decode<T: FromRedisValue>(reply: RedisResult<Value>) -> Result<T, StoreError> {
    let reply = reply.map_err(StoreError::unavailable)?;
    // The error of redis-rs would quote the reply, and ids must not be logged.
    T::from_redis_value(reply).map_err(|_| StoreError::unavailable(UnexpectedReply))
}

#[derive(Debug)]
pub(super) struct UnexpectedReply;

impl fmt::Display for UnexpectedReply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Redis sent an unexpected reply")
    }
}

impl Error for UnexpectedReply {}
