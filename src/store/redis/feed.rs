//! What Redis tells of revocations: its channels.

use std::time::{Duration, SystemTime};

use futures::{
    Stream, StreamExt, TryStreamExt,
    stream::{self, BoxStream},
};
use redis::{Cmd, Msg, RedisResult, Value, aio::MultiplexedConnection};

use crate::clock::NumericDate;

use super::{
    super::{
        StoreError,
        replica::{Heartbeat, Notice, RevocationFeed, Revoked},
    },
    RedisStore, UnexpectedAnswer,
    connection::Connector,
    decode, scripts,
};

/// About how many keys Redis looks at in one step.
const PAGE: usize = 500;
/// How many users are read at the same time.
const CONCURRENCY: usize = 64;

/// Revocations are published by the scripts that make them, so that both happen or neither.
impl RevocationFeed for RedisStore {
    async fn subscribe(
        &self,
        subscriber: u64,
    ) -> Result<impl Stream<Item = Result<Notice, StoreError>> + Send, StoreError> {
        // Beats of others would only be in the way.
        let beats = self.beats_of(subscriber);
        let notices = if self.connector.is_cluster() {
            self.subscribe_to_all(subscriber, beats).await
        } else {
            self.subscribe_to_server(subscriber, beats).await
        };
        notices.map_err(StoreError::unavailable)
    }

    /// Reads all that is remembered of every user, at the server.
    fn live(&self) -> impl Stream<Item = Result<Vec<Revoked>, StoreError>> + Send {
        let keys = if self.connector.is_cluster() {
            self.keys_of_all().left_stream()
        } else {
            self.scan(self.connector.clone()).right_stream()
        };
        keys.and_then(move |keys| {
            let entries = stream::iter(keys).map(move |key| self.revoked_at(key));
            entries.buffer_unordered(CONCURRENCY).try_concat()
        })
    }

    async fn heartbeat(&self, heartbeat: Heartbeat) -> Result<(), StoreError> {
        let channel = self.beats_of(heartbeat.subscriber);
        if self.connector.is_cluster() {
            return self.beat_everywhere(heartbeat, &channel).await;
        }
        self.call_with_key(&scripts::BEAT, &channel, &channel, heartbeat.number).await
    }
}

/// A way to the node that shall scan its keys.
pub(super) trait Scanner: Clone + Send + Sync {
    fn ask(&self, command: Cmd) -> impl Future<Output = RedisResult<Value>> + Send;
}

impl Scanner for Connector {
    async fn ask(&self, command: Cmd) -> RedisResult<Value> {
        self.send(&command).await
    }
}

impl Scanner for MultiplexedConnection {
    async fn ask(&self, command: Cmd) -> RedisResult<Value> {
        command.query_async(&mut self.clone()).await
    }
}

impl RedisStore {
    fn beats_of(&self, subscriber: u64) -> String {
        format!("{}:{subscriber:016x}", self.channel)
    }

    async fn subscribe_to_server(
        &self,
        subscriber: u64,
        beats: String,
    ) -> RedisResult<BoxStream<'static, Result<Notice, StoreError>>> {
        let channels = [&*self.channel, &*beats];
        let messages = self.connector.subscribe(None, &channels).await?;
        let prefix = self.prefix.clone();
        let notices = messages.map(move |message| {
            let notice = if message.get_channel_name() == beats {
                number(&message).map(|number| Notice::Heartbeat(Heartbeat { subscriber, number }))
            } else {
                told(&prefix, &message).map(Notice::Revoked)
            };
            notice.ok_or_else(|| StoreError::unavailable(UnexpectedAnswer))
        });
        Ok(notices.boxed())
    }

    /// The keys of one node, in pages.
    pub(super) fn scan(
        &self,
        node: impl Scanner,
    ) -> impl Stream<Item = Result<Vec<String>, StoreError>> + Send {
        let pattern = pattern(&self.prefix);
        stream::try_unfold(Some(String::from("0")), move |cursor| {
            let (node, pattern) = (node.clone(), pattern.clone());
            async move {
                let Some(cursor) = cursor else { return Ok(None) };
                let mut scan = redis::cmd("SCAN");
                scan.arg(cursor).arg("MATCH").arg(pattern).arg("COUNT").arg(PAGE);
                scan.arg("TYPE").arg("hash");
                let answer = node.ask(scan).await.map_err(StoreError::unavailable)?;
                let (cursor, keys): (String, Vec<String>) = decode(answer)?;
                Ok(Some((keys, (cursor != "0").then_some(cursor))))
            }
        })
    }

    /// What is revoked of the user at `key`.
    async fn revoked_at(&self, key: String) -> Result<Vec<Revoked>, StoreError> {
        let rows: Vec<(String, u64, u64)> =
            self.call_with_key(&scripts::REVOCATIONS, &key, &self.channel, None::<u64>).await?;
        let revoked = rows.into_iter().map(|(field, time, ttl)| {
            revoked(&self.prefix, &key, &field, time, ttl)
                .ok_or_else(|| StoreError::unavailable(UnexpectedAnswer))
        });
        revoked.collect()
    }
}

/// What `SCAN` takes for keys that begin with `prefix`.
fn pattern(prefix: &str) -> String {
    let mut pattern = String::with_capacity(prefix.len() + 8);
    for char in prefix.chars() {
        if matches!(char, '*' | '?' | '[' | ']' | '^' | '\\') {
            pattern.push('\\');
        }
        pattern.push(char);
    }
    pattern + "*"
}

fn number(message: &Msg) -> Option<u64> {
    message.get_payload::<String>().ok()?.parse().ok()
}

pub(super) fn told(prefix: &str, message: &Msg) -> Option<Revoked> {
    let (key, field, time, ttl): (String, String, u64, u64) =
        serde_json::from_slice(message.get_payload_bytes()).ok()?;
    revoked(prefix, &key, &field, time, ttl)
}

/// An entry as `revocation` in the scripts describes it. A user is remembered as long as anything
/// of it, which is told in seconds from now.
fn revoked(prefix: &str, key: &str, field: &str, time: u64, ttl: u64) -> Option<Revoked> {
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
