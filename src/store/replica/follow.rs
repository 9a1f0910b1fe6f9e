//! The task that keeps a replica fresh.

use std::{
    convert::Infallible,
    hash::{BuildHasher, RandomState},
    pin::pin,
    time::Duration,
};

use futures::{Stream, StreamExt};
use tokio::time::{Instant, sleep, sleep_until, timeout, timeout_at};

use crate::trace::warn;

use super::{
    super::error::StoreError,
    feed::{Heartbeat, Notice, RevocationFeed},
    index::SHARDS,
    state::State,
};

/// How many heartbeats are sent per `max_age`.
const HEARTBEATS: u32 = 4;
/// After how many times `max_age` without a heartbeat the subscription is abandoned.
const SILENT_AGES: u32 = 5;
/// How long subscribing may take, and reading a page.
const STEP_TIMEOUT: Duration = Duration::from_secs(10);
const SHORTEST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);
/// How long after one shard the next one is swept.
const SWEEP_PAUSE: Duration = Duration::from_millis(250);

/// Why a subscription was abandoned.
enum Abandoned {
    /// The store failed, or the subscription ended.
    Ended,
    /// No heartbeat returned.
    Silent,
    /// There were more revocations than the capacity allows.
    Full,
    /// Revocations were forgotten that are live by a clock that was set back.
    ClockSetBack,
}

impl From<StoreError> for Abandoned {
    fn from(_: StoreError) -> Self {
        Self::Ended
    }
}

/// Subscribes, and subscribes again whenever the subscription is abandoned.
pub(super) async fn follow<S: RevocationFeed>(store: &S, state: &State) {
    let mut pause = SHORTEST_PAUSE;
    loop {
        let Err(abandoned) = follow_once(store, state).await;
        if state.staleness.was_renewed() {
            pause = SHORTEST_PAUSE;
        }
        state.staleness.reset();
        abandoned.log();
        // Replicas that lost their feed at the same time do not return at the same time.
        let jitter = f64::from(RandomState::new().hash_one(()) as u32) / f64::from(u32::MAX);
        sleep(pause.mul_f64(0.5 + jitter / 2.0)).await;
        pause = LONGEST_PAUSE.min(pause * 2);
    }
}

async fn follow_once<S: RevocationFeed>(store: &S, state: &State) -> Result<Infallible, Abandoned> {
    let subscriber = RandomState::new().hash_one(());
    state.index.reset();
    let subscribing = timeout(STEP_TIMEOUT, store.subscribe(subscriber));
    let notices = subscribing.await.or(Err(Abandoned::Silent))??;
    tokio::select! {
        abandoned = receive(notices, subscriber, state) => Err(abandoned),
        abandoned = load_and_beat(store, subscriber, state) => abandoned,
    }
}

async fn receive(
    notices: impl Stream<Item = Result<Notice, StoreError>>,
    subscriber: u64,
    state: &State,
) -> Abandoned {
    let mut notices = pin!(notices);
    loop {
        match notices.next().await {
            Some(Ok(Notice::Revoked(revoked))) => state.index.add(&revoked),
            Some(Ok(Notice::Heartbeat(heartbeat))) => {
                if heartbeat.subscriber == subscriber {
                    state.staleness.renew(heartbeat.number);
                }
            }
            Some(Err(_)) | None => return Abandoned::Ended,
        }
    }
}

/// Loads everything, then sends heartbeats. None is sent earlier: its return would prove too much.
async fn load_and_beat<S: RevocationFeed>(
    store: &S,
    subscriber: u64,
    state: &State,
) -> Result<Infallible, Abandoned> {
    let State { index, staleness, clock } = state;
    let mut pages = pin!(store.live());
    while let Some(page) = timeout(STEP_TIMEOUT, pages.next()).await.or(Err(Abandoned::Silent))? {
        for revoked in page? {
            index.add(&revoked);
        }
    }
    let max_age = staleness.max_age();
    let loaded = Instant::now();
    loop {
        if index.has_overflowed() {
            return Err(Abandoned::Full);
        }
        if index.was_swept_after(clock.now()) {
            return Err(Abandoned::ClockSetBack);
        }
        let silence = staleness.stale_for().min(loaded.elapsed());
        if silence > max_age * SILENT_AGES {
            return Err(Abandoned::Silent);
        }
        let next = Instant::now() + max_age / HEARTBEATS;
        let heartbeat = Heartbeat { subscriber, number: staleness.now() };
        // A heartbeat that fails does not return, which is noticed above.
        let _ = timeout_at(next + max_age, store.heartbeat(heartbeat)).await;
        sleep_until(next).await;
    }
}

/// Forgets expired entries, one shard at a time.
pub(super) async fn sweep(state: &State) {
    for shard in (0..SHARDS).cycle() {
        sleep(SWEEP_PAUSE).await;
        state.index.sweep(shard, state.clock.now());
    }
}

impl Abandoned {
    fn log(&self) {
        match self {
            Self::Ended => {
                warn!("the revocation feed ended");
            }
            Self::Silent => {
                warn!("the revocation feed is silent");
            }
            Self::Full => {
                warn!("the revocation replica is full");
            }
            Self::ClockSetBack => {
                warn!("the clock was set back: the revocation replica is loaded again");
            }
        }
    }
}
