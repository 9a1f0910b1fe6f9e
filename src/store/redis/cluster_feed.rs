//! What a cluster tells of revocations: the channels of all its masters.
//!
//! A master passes on what is published at another one, but no order is kept then, and nothing
//! tells what got lost. So each master is subscribed to at itself, and a beat counts when it has
//! come back from each: published by it, and over the connection to it. A beat names all masters
//! there are when it is sent. Once others are subscribed to, the subscription ends.

use futures::{
    Stream, StreamExt, TryStreamExt,
    future::try_join_all,
    stream::{self, BoxStream, FuturesUnordered},
};
use redis::{Msg, RedisResult, aio::MultiplexedConnection};

use super::{
    super::{
        StoreError,
        replica::{Heartbeat, Notice},
    },
    RedisStore, UnexpectedAnswer,
    cluster::Master,
    decode,
    feed::told,
    scripts,
};

impl RedisStore {
    pub(super) async fn subscribe_to_all(
        &self,
        subscriber: u64,
        beats: String,
    ) -> RedisResult<BoxStream<'static, Result<Notice, StoreError>>> {
        let masters = self.connector.masters().await?;
        let channels = [&*self.channel, &*beats];
        let subscriptions = masters.iter().enumerate().map(|(place, master)| async move {
            let messages = self.connector.subscribe(Some(master), &channels).await?;
            let end = stream::once(async { None });
            Ok::<_, redis::RedisError>(
                messages.map(Some).chain(end).map(move |message| (place, message)).boxed(),
            )
        });
        let messages = stream::select_all(try_join_all(subscriptions).await?);
        let mut heard = Heard::new(subscriber, masters);
        let prefix = self.prefix.clone();
        let notices = messages.filter_map(move |(place, message)| {
            let notice = match message {
                Some(message) if message.get_channel_name() == beats => heard.beat(place, &message),
                Some(message) => {
                    told(&prefix, &message).map(Notice::Revoked).map(Some).ok_or(UnexpectedAnswer)
                }
                // One of the connections has broken.
                None => Err(UnexpectedAnswer),
            };
            futures::future::ready(notice.map_err(StoreError::unavailable).transpose())
        });
        Ok(notices.boxed())
    }

    /// Sends a beat to each master.
    pub(super) async fn beat_everywhere(
        &self,
        heartbeat: Heartbeat,
        channel: &str,
    ) -> Result<(), StoreError> {
        let masters = self.connector.masters().await.map_err(StoreError::unavailable)?;
        let ids = &*ids(&masters);
        let beats = masters.iter().map(|master| async move {
            let key = master.key(&self.prefix).map_err(StoreError::unavailable)?;
            let args = (heartbeat.number, ids);
            self.call_with_key::<()>(&scripts::CLUSTER_BEAT, &key, channel, args).await
        });
        try_join_all(beats).await.map(drop)
    }

    /// The keys of all masters, in pages.
    pub(super) fn keys_of_all(
        &self,
    ) -> impl Stream<Item = Result<Vec<String>, StoreError>> + Send + '_ {
        let pages = async {
            let masters = self.connector.masters().await.map_err(StoreError::unavailable)?;
            let nodes = masters.iter().map(|master| self.connector.connect_to(master));
            let nodes = try_join_all(nodes).await.map_err(StoreError::unavailable)?;
            let scans: Vec<_> = nodes.iter().cloned().map(|node| self.scan(node).boxed()).collect();
            let end = stream::once(self.unchanged(masters, nodes)).try_filter(|()| async { false });
            Ok(stream::select_all(scans).chain(end.map_ok(|()| Vec::new())))
        };
        stream::once(pages).try_flatten()
    }

    /// An error if keys may have moved from one node to another, where they were overlooked.
    async fn unchanged(
        &self,
        before: Vec<Master>,
        nodes: Vec<MultiplexedConnection>,
    ) -> Result<(), StoreError> {
        let questions: FuturesUnordered<_> = nodes
            .into_iter()
            .map(|mut node| async move {
                let mut question = redis::cmd("CLUSTER");
                let answer = question.arg("NODES").query_async(&mut node).await;
                decode::<String>(answer.map_err(StoreError::unavailable)?)
            })
            .collect();
        let all: Vec<String> = questions.try_collect().await?;
        let is_moving = all.iter().any(|nodes| nodes.contains("->-") || nodes.contains("-<-"));
        let after = self.connector.masters().await.map_err(StoreError::unavailable)?;
        if is_moving || after != before {
            return Err(StoreError::unavailable("the cluster is being changed"));
        }
        Ok(())
    }
}

fn ids(masters: &[Master]) -> String {
    let ids: Vec<_> = masters.iter().map(|master| &*master.id).collect();
    ids.join(",")
}

/// Which beats have come back from each master.
struct Heard {
    subscriber: u64,
    masters: Vec<Master>,
    ids: String,
    latest: Vec<u64>,
    told: u64,
}

impl Heard {
    fn new(subscriber: u64, masters: Vec<Master>) -> Self {
        let (ids, latest) = (ids(&masters), vec![0; masters.len()]);
        Self { subscriber, masters, ids, latest, told: 0 }
    }

    /// The beat that has come back from all, if this was the last one that was missing.
    fn beat(&mut self, place: usize, message: &Msg) -> Result<Option<Notice>, UnexpectedAnswer> {
        let payload: String = message.get_payload().map_err(|_| UnexpectedAnswer)?;
        let mut words = payload.split(' ');
        let (Some(number), Some(from), Some(ids)) = (words.next(), words.next(), words.next())
        else {
            return Err(UnexpectedAnswer);
        };
        if ids != self.ids {
            return Err(UnexpectedAnswer);
        }
        if self.masters[place].id != from {
            // Passed on by this one.
            return Ok(None);
        }
        let number = number.parse().map_err(|_| UnexpectedAnswer)?;
        self.latest[place] = number;
        let all = self.latest.iter().copied().min().unwrap_or_default();
        if all <= self.told {
            return Ok(None);
        }
        self.told = all;
        Ok(Some(Notice::Heartbeat(Heartbeat { subscriber: self.subscriber, number: all })))
    }
}
