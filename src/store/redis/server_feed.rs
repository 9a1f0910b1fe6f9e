//! The feed of a single server.

use futures::{Stream, StreamExt, stream::BoxStream};
use redis::RedisResult;

use super::{
    super::{
        error::StoreError,
        replica::{Heartbeat, Notice},
    },
    notice,
    reply::UnexpectedReply,
    scan::scan,
    scripts,
    store::RedisStore,
};

pub(super) async fn subscribe(
    store: &RedisStore,
    subscriber: u64,
    heartbeats: String,
) -> RedisResult<BoxStream<'static, Result<Notice, StoreError>>> {
    let channels = [&*store.channel, &*heartbeats];
    let messages = store.connector.subscribe(None, &channels).await?;
    let prefix = store.prefix.clone();
    let notices = messages.map(move |message| {
        let notice = if message.get_channel_name() == heartbeats {
            notice::heartbeat_number(&message)
                .map(|number| Notice::Heartbeat(Heartbeat { subscriber, number }))
        } else {
            notice::revoked_by(&prefix, &message).map(Notice::Revoked)
        };
        notice.ok_or_else(|| StoreError::unavailable(UnexpectedReply))
    });
    Ok(notices.boxed())
}

pub(super) async fn heartbeat(
    store: &RedisStore,
    heartbeat: Heartbeat,
    channel: &str,
) -> Result<(), StoreError> {
    store.call_with_key(&scripts::HEARTBEAT, channel, channel, heartbeat.number).await
}

pub(super) fn keys(
    store: &RedisStore,
) -> impl Stream<Item = Result<Vec<String>, StoreError>> + Send + '_ {
    scan(store.connector.clone(), &store.prefix)
}
