//! The feed of a single server.

use futures::{Stream, StreamExt, future, stream::BoxStream};
use redis::RedisResult;

use super::{
    super::{
        error::StoreError,
        replica::{Heartbeat, Notice},
    },
    notice,
    scan::scan,
    scripts,
    store::RedisStore,
};

pub(super) async fn subscribe(
    store: &RedisStore,
    subscriber: u64,
    heartbeats: String,
) -> RedisResult<BoxStream<'static, Result<Notice, StoreError>>> {
    let channels = [&*store.keys.channel, &*heartbeats];
    let messages = store.connector.subscribe(None, &channels).await?;
    let keys = store.keys.clone();
    let notices = messages.filter_map(move |message| {
        let notice = if message.get_channel_name() == heartbeats {
            let number = notice::heartbeat_number(&message);
            number.map(|number| Some(Notice::Heartbeat(Heartbeat { subscriber, number })))
        } else {
            notice::revoked_by(&keys, &message).map(|revoked| revoked.map(Notice::Revoked))
        };
        future::ready(notice.map_err(StoreError::unavailable).transpose())
    });
    Ok(notices.boxed())
}

pub(super) async fn heartbeat(
    store: &RedisStore,
    heartbeat: Heartbeat,
    channel: &str,
) -> Result<(), StoreError> {
    store.call_with_channel(channel, &scripts::HEARTBEAT, &[channel], heartbeat.number).await
}

pub(super) fn keys(
    store: &RedisStore,
) -> impl Stream<Item = Result<Vec<String>, StoreError>> + Send + '_ {
    scan(store.connector.clone(), &store.keys.users())
}
