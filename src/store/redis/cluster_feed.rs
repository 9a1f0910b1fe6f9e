//! The feed of a cluster: the channels of all masters.
//!
//! A master forwards what is published at another one, but in no order, and a lost message is not
//! noticed. The feed therefore subscribes to each master itself. A heartbeat counts once it has
//! returned from each master, published there and received from there. It names all masters that exist
//! when it is sent; when they are not the subscribed ones, the subscription ends.

use futures::{
    Stream, StreamExt, TryStreamExt,
    future::{self, try_join_all},
    stream::{self, BoxStream, FuturesUnordered},
};
use redis::{Msg, RedisError, RedisResult, aio::MultiplexedConnection};

use super::{
    super::{
        error::StoreError,
        replica::{Heartbeat, Notice},
    },
    cluster::Master,
    notice,
    reply::{UnexpectedReply, decode},
    scan::scan,
    scripts,
    store::RedisStore,
};

pub(super) async fn subscribe(
    store: &RedisStore,
    subscriber: u64,
    heartbeats: String,
) -> RedisResult<BoxStream<'static, Result<Notice, StoreError>>> {
    let masters = store.connector.masters().await?;
    let channels = [&*store.keys.channel, &*heartbeats];
    let subscriptions = masters.iter().enumerate().map(|(place, master)| async move {
        let messages = store.connector.subscribe(Some(master), &channels).await?;
        let end = stream::once(async { None });
        let messages = messages.map(Some).chain(end);
        Ok::<_, RedisError>(messages.map(move |message| (place, message)).boxed())
    });
    let messages = stream::select_all(try_join_all(subscriptions).await?);
    let mut returned = ReturnedHeartbeats::new(subscriber, masters);
    let keys = store.keys.clone();
    let notices = messages.filter_map(move |(place, message)| {
        let notice = match message {
            Some(message) if message.get_channel_name() == heartbeats => {
                returned.add(place, &message)
            }
            Some(message) => {
                notice::revoked_by(&keys, &message).map(|revoked| revoked.map(Notice::Revoked))
            }
            // One of the connections has broken.
            None => Err(UnexpectedReply),
        };
        future::ready(notice.map_err(StoreError::unavailable).transpose())
    });
    Ok(notices.boxed())
}

/// Sends a heartbeat to each master.
pub(super) async fn heartbeat(
    store: &RedisStore,
    heartbeat: Heartbeat,
    channel: &str,
) -> Result<(), StoreError> {
    let masters = store.connector.masters().await.map_err(StoreError::unavailable)?;
    let ids = &*ids(&masters);
    let heartbeats = masters.iter().map(|master| async move {
        let key = master.key(|number| store.keys.heartbeat(number));
        let key = key.map_err(StoreError::unavailable)?;
        let (script, args) = (&scripts::CLUSTER_HEARTBEAT, (heartbeat.number, ids));
        store.call_with_channel::<()>(channel, script, &[&key], args).await
    });
    try_join_all(heartbeats).await.map(drop)
}

/// The keys of all masters, in pages.
pub(super) fn keys(
    store: &RedisStore,
) -> impl Stream<Item = Result<Vec<String>, StoreError>> + Send + '_ {
    let pages = async {
        let masters = store.connector.masters().await.map_err(StoreError::unavailable)?;
        let nodes = masters.iter().map(|master| store.connector.connect_to(master));
        let nodes = try_join_all(nodes).await.map_err(StoreError::unavailable)?;
        let scans: Vec<_> =
            nodes.iter().cloned().map(|node| scan(node, &store.keys.users()).boxed()).collect();
        let end = stream::once(check_unchanged(store, masters, nodes));
        let end = end.try_filter_map(|()| future::ready(Ok(None)));
        Ok(stream::select_all(scans).chain(end))
    };
    stream::once(pages).try_flatten()
}

/// Fails if keys may have moved between nodes, in which case some were overlooked.
async fn check_unchanged(
    store: &RedisStore,
    before: Vec<Master>,
    nodes: Vec<MultiplexedConnection>,
) -> Result<(), StoreError> {
    let lists: FuturesUnordered<_> = nodes
        .into_iter()
        .map(|mut node| async move {
            let mut command = redis::cmd("CLUSTER");
            decode::<String>(command.arg("NODES").query_async(&mut node).await)
        })
        .collect();
    let lists: Vec<String> = lists.try_collect().await?;
    let is_moving = lists.iter().any(|nodes| nodes.contains("->-") || nodes.contains("-<-"));
    let after = store.connector.masters().await.map_err(StoreError::unavailable)?;
    if is_moving || after != before {
        return Err(StoreError::unavailable("slots of the cluster are moving"));
    }
    Ok(())
}

fn ids(masters: &[Master]) -> String {
    let ids: Vec<_> = masters.iter().map(|master| &*master.id).collect();
    ids.join(",")
}

/// The latest heartbeat that has returned from each master.
struct ReturnedHeartbeats {
    subscriber: u64,
    masters: Vec<Master>,
    ids: String,
    latest: Vec<u64>,
    /// The latest one that has returned from all.
    complete: u64,
}

impl ReturnedHeartbeats {
    fn new(subscriber: u64, masters: Vec<Master>) -> Self {
        let (ids, latest) = (ids(&masters), vec![0; masters.len()]);
        Self { subscriber, masters, ids, latest, complete: 0 }
    }

    /// Adds the message of one master, and returns a heartbeat if it has now returned from all.
    fn add(&mut self, place: usize, message: &Msg) -> Result<Option<Notice>, UnexpectedReply> {
        let payload: String = message.get_payload().map_err(|_| UnexpectedReply)?;
        let mut words = payload.split(' ');
        let (Some(number), Some(from), Some(ids)) = (words.next(), words.next(), words.next())
        else {
            return Err(UnexpectedReply);
        };
        if ids != self.ids {
            return Err(UnexpectedReply);
        }
        if self.masters[place].id != from {
            // Forwarded from another master.
            return Ok(None);
        }
        self.latest[place] = number.parse().map_err(|_| UnexpectedReply)?;
        let number = self.latest.iter().copied().min().unwrap_or_default();
        if number <= self.complete {
            return Ok(None);
        }
        self.complete = number;
        Ok(Some(Notice::Heartbeat(Heartbeat { subscriber: self.subscriber, number })))
    }
}
