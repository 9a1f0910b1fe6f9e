use futures::{Stream, StreamExt, TryStreamExt, stream};

use super::{
    super::{
        error::StoreError,
        replica::{Heartbeat, Notice, RevocationFeed, Revoked},
    },
    cluster_feed, notice,
    reply::UnexpectedReply,
    scripts, server_feed,
    store::RedisStore,
};

/// How many users are read at the same time.
const CONCURRENCY: usize = 64;

/// The scripts that revoke something also publish it, so both happen or neither does.
impl RevocationFeed for RedisStore {
    async fn subscribe(
        &self,
        subscriber: u64,
    ) -> Result<impl Stream<Item = Result<Notice, StoreError>> + Send, StoreError> {
        let heartbeats = heartbeats_of(self, subscriber);
        let notices = if self.connector.is_cluster() {
            cluster_feed::subscribe(self, subscriber, heartbeats).await
        } else {
            server_feed::subscribe(self, subscriber, heartbeats).await
        };
        notices.map_err(StoreError::unavailable)
    }

    /// Reads the data of every user.
    fn live(&self) -> impl Stream<Item = Result<Vec<Revoked>, StoreError>> + Send {
        let keys = if self.connector.is_cluster() {
            cluster_feed::keys(self).left_stream()
        } else {
            server_feed::keys(self).right_stream()
        };
        keys.and_then(move |keys| {
            let users = stream::iter(keys).map(move |key| revoked_at(self, key));
            users.buffer_unordered(CONCURRENCY).try_concat()
        })
    }

    async fn heartbeat(&self, heartbeat: Heartbeat) -> Result<(), StoreError> {
        let channel = heartbeats_of(self, heartbeat.subscriber);
        if self.connector.is_cluster() {
            cluster_feed::heartbeat(self, heartbeat, &channel).await
        } else {
            server_feed::heartbeat(self, heartbeat, &channel).await
        }
    }
}

/// The channel for the heartbeats of one subscriber, which are of no use to others.
fn heartbeats_of(store: &RedisStore, subscriber: u64) -> String {
    format!("{}:{subscriber:016x}", store.channel)
}

/// The revocations of the user at `key`.
async fn revoked_at(store: &RedisStore, key: String) -> Result<Vec<Revoked>, StoreError> {
    let rows: Vec<(String, u64, u64)> =
        store.call_with_key(&scripts::REVOCATIONS, &key, &store.channel, None::<u64>).await?;
    let revoked = rows.into_iter().map(|(field, time, ttl)| {
        notice::revoked(&store.prefix, &key, &field, time, ttl)
            .ok_or_else(|| StoreError::unavailable(UnexpectedReply))
    });
    revoked.collect()
}
