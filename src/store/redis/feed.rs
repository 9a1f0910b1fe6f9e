use futures::{Stream, StreamExt, TryStreamExt, stream};

use super::{
    super::{
        error::StoreError,
        replica::{Heartbeat, Notice, RevocationFeed, Revoked},
    },
    cluster_feed, notice, scripts, server_feed,
    store::RedisStore,
};

/// How many users are read at the same time.
const CONCURRENCY: usize = 64;

/// The cursor with which a scan begins and ends.
const FIRST_CURSOR: &str = "0";

/// The field of an entry, until when it is kept, and when the user was revoked, if it was the user.
type Row = (String, u64, Option<u64>);

/// The scripts that revoke something also publish it, so both happen or neither does.
impl RevocationFeed for RedisStore {
    async fn subscribe(
        &self,
        subscriber: u64,
    ) -> Result<impl Stream<Item = Result<Notice, StoreError>> + Send, StoreError> {
        let heartbeats = self.keys.heartbeats(subscriber);
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
        let channel = self.keys.heartbeats(heartbeat.subscriber);
        if self.connector.is_cluster() {
            cluster_feed::heartbeat(self, heartbeat, &channel).await
        } else {
            server_feed::heartbeat(self, heartbeat, &channel).await
        }
    }
}

/// The revocations of the user with the hash at `user`.
async fn revoked_at(store: &RedisStore, user: String) -> Result<Vec<Revoked>, StoreError> {
    let mut revoked = Vec::new();
    let mut cursor = FIRST_CURSOR.to_owned();
    loop {
        let (next, rows): (String, Vec<Row>) =
            store.call(&scripts::REVOCATIONS, &[&user], &cursor).await?;
        for (field, keep_until, at) in rows {
            let entry = notice::revoked(&store.keys, &user, &field, keep_until, at);
            revoked.push(entry.map_err(StoreError::unavailable)?);
        }
        if next == FIRST_CURSOR {
            return Ok(revoked);
        }
        cursor = next;
    }
}
