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
    State,
    feed::{Beat, Notice, RevocationFeed},
};

/// How many beats are sent in the time after which knowledge is too old.
const BEATS: u32 = 4;
/// How often in a row knowledge may become too old before the subscription is given up.
const SILENCE: u32 = 5;
/// How long a subscription may take, and a page.
const PATIENCE: Duration = Duration::from_secs(10);
const SHORTEST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);
/// How long after one share of the entries the next one is swept.
const SWEEP_PAUSE: Duration = Duration::from_millis(250);

/// Why a subscription was given up.
enum Lost {
    /// The store failed, or the subscription ended.
    Ended,
    Silent,
    Full,
}

impl From<StoreError> for Lost {
    fn from(_: StoreError) -> Self {
        Self::Ended
    }
}

/// Subscribes for as long as it is polled, and again whenever the subscription is lost.
pub(super) async fn follow<S: RevocationFeed>(store: &S, state: &State) {
    let mut pause = SHORTEST_PAUSE;
    loop {
        let Err(lost) = follow_once(store, state).await;
        if state.freshness.was_gained() {
            pause = SHORTEST_PAUSE;
        }
        state.freshness.lose();
        lost.report();
        // Replicas that lost their feed at the same time do not come back at the same time.
        let jitter = f64::from(RandomState::new().hash_one(()) as u32) / f64::from(u32::MAX);
        sleep(pause.mul_f64(0.5 + jitter / 2.0)).await;
        pause = LONGEST_PAUSE.min(pause * 2);
    }
}

async fn follow_once<S: RevocationFeed>(store: &S, state: &State) -> Result<Infallible, Lost> {
    let subscriber = RandomState::new().hash_one(());
    state.index.reset();
    let notices = timeout(PATIENCE, store.subscribe(subscriber)).await.or(Err(Lost::Silent))??;
    tokio::select! {
        lost = receive(notices, subscriber, state) => Err(lost),
        lost = load_and_beat(store, subscriber, state) => lost,
    }
}

async fn receive(
    notices: impl Stream<Item = Result<Notice, StoreError>>,
    subscriber: u64,
    state: &State,
) -> Lost {
    let mut notices = pin!(notices);
    loop {
        match notices.next().await {
            Some(Ok(Notice::Revoked(revoked))) => state.index.add(&revoked),
            Some(Ok(Notice::Beat(beat))) => {
                if beat.subscriber == subscriber {
                    state.freshness.renew(beat.number);
                }
            }
            Some(Err(_)) | None => return Lost::Ended,
        }
    }
}

/// No beat is sent before everything is loaded, so none can come back that promises too much.
async fn load_and_beat<S: RevocationFeed>(
    store: &S,
    subscriber: u64,
    state: &State,
) -> Result<Infallible, Lost> {
    let mut pages = pin!(store.live());
    while let Some(page) = timeout(PATIENCE, pages.next()).await.or(Err(Lost::Silent))? {
        for revoked in page? {
            state.index.add(&revoked);
        }
    }
    let max_age = state.freshness.max_age();
    let loaded = Instant::now();
    loop {
        if state.index.has_overflowed() {
            return Err(Lost::Full);
        }
        let silence = state.freshness.stale_for().min(loaded.elapsed());
        if silence > max_age * SILENCE {
            return Err(Lost::Silent);
        }
        let next = Instant::now() + max_age / BEATS;
        let beat = Beat { subscriber, number: state.freshness.now() };
        // A beat that gets lost shows by not coming back.
        let _ = timeout_at(next + max_age, store.beat(beat)).await;
        sleep_until(next).await;
    }
}

/// Forgets what is over, a little at a time.
pub(super) async fn sweep(state: &State) {
    loop {
        sleep(SWEEP_PAUSE).await;
        for () in state.index.sweep(state.clock.now()) {
            sleep(SWEEP_PAUSE).await;
        }
    }
}

impl Lost {
    fn report(&self) {
        match self {
            Self::Ended => {
                warn!("the revocation feed was lost");
            }
            Self::Silent => {
                warn!("the revocation feed is silent");
            }
            Self::Full => {
                warn!("the revocation replica is full");
            }
        }
    }
}
