//! A store in memory that feeds replicas, and does as a test says.

use std::{
    mem,
    sync::{
        Arc, Mutex, MutexGuard,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
};

use futures::{
    Stream, StreamExt,
    channel::mpsc::{UnboundedSender, unbounded},
    stream,
};
use tokio::sync::watch;
use tower_jwt_auth::{
    MemoryStore, NumericDate,
    store::{
        NewSession, Revocation, Session, Spend, Spent, StoreError, TokenRef, TokenStore,
        replica::{Beat, Notice, RevocationFeed, Revoked},
    },
    token::UserId,
};

/// Clones share everything, as the processes on one server do.
#[derive(Clone, Debug)]
pub(crate) struct FedStore(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    store: MemoryStore,
    away: AtomicBool,
    wire: Mutex<Wire>,
    loading: watch::Sender<bool>,
    asked: AtomicUsize,
}

#[derive(Debug, Default)]
struct Wire {
    log: Vec<Revoked>,
    subscribers: Vec<UnboundedSender<Result<Notice, StoreError>>>,
    subscriptions: usize,
    /// Notices that are held back, if they are.
    held: Option<Vec<Notice>>,
    last_beat: Option<Beat>,
}

impl FedStore {
    pub(crate) fn new() -> Self {
        Self(Arc::new(Inner {
            store: MemoryStore::new(),
            away: AtomicBool::new(false),
            wire: Mutex::default(),
            loading: watch::Sender::new(true),
            asked: AtomicUsize::new(0),
        }))
    }

    /// Ends all subscriptions, and fails every call until it is back.
    pub(crate) fn set_away(&self, away: bool) {
        self.0.away.store(away, Ordering::SeqCst);
        if away {
            self.disconnect();
        }
    }

    pub(crate) fn disconnect(&self) {
        self.wire().subscribers.clear();
    }

    /// Lets subscriptions give an error.
    pub(crate) fn garble(&self) {
        for subscriber in &self.wire().subscribers {
            let _ = subscriber.unbounded_send(Err(StoreError::unavailable("garbled")));
        }
    }

    /// Whether pages can be read.
    pub(crate) fn set_loading(&self, loading: bool) {
        self.0.loading.send_replace(loading);
    }

    /// Holds back what is said from now on: beats, and what is revoked.
    pub(crate) fn hold(&self) {
        self.wire().held = Some(Vec::new());
    }

    /// Says what was held back.
    pub(crate) fn release(&self) {
        let mut wire = self.wire();
        for notice in wire.held.take().unwrap_or_default() {
            wire.say(notice);
        }
    }

    /// Drops what was held back, as no feed may do.
    pub(crate) fn lose_held(&self) {
        self.wire().held = None;
    }

    pub(crate) fn say(&self, notice: Notice) {
        self.wire().say(notice);
    }

    /// Forgets what is to be loaded.
    pub(crate) fn forget(&self) -> Vec<Revoked> {
        mem::take(&mut self.wire().log)
    }

    pub(crate) fn subscriptions(&self) -> usize {
        self.wire().subscriptions
    }

    pub(crate) fn last_beat(&self) -> Option<Beat> {
        self.wire().last_beat
    }

    /// How often the store itself was asked for a revocation.
    pub(crate) fn asked(&self) -> usize {
        self.0.asked.load(Ordering::SeqCst)
    }

    /// How many clones there are.
    pub(crate) fn handles(&self) -> usize {
        Arc::strong_count(&self.0)
    }

    fn wire(&self) -> MutexGuard<'_, Wire> {
        self.0.wire.lock().unwrap()
    }

    fn check(&self) -> Result<(), StoreError> {
        if self.0.away.load(Ordering::SeqCst) {
            return Err(StoreError::unavailable("the store is away"));
        }
        Ok(())
    }

    fn publish(&self, revoked: Revoked) {
        let mut wire = self.wire();
        wire.log.push(revoked.clone());
        wire.say(Notice::Revoked(revoked));
    }
}

impl Wire {
    fn say(&mut self, notice: Notice) {
        match &mut self.held {
            Some(held) => held.push(notice),
            None => self
                .subscribers
                .retain(|subscriber| subscriber.unbounded_send(Ok(notice.clone())).is_ok()),
        }
    }
}

impl RevocationFeed for FedStore {
    async fn subscribe(
        &self,
        _subscriber: u64,
    ) -> Result<impl Stream<Item = Result<Notice, StoreError>> + Send, StoreError> {
        self.check()?;
        let (sender, receiver) = unbounded();
        let mut wire = self.wire();
        wire.subscribers.push(sender);
        wire.subscriptions += 1;
        Ok(receiver)
    }

    /// Pages of three, as they were when the first was asked for.
    fn live(&self) -> impl Stream<Item = Result<Vec<Revoked>, StoreError>> + Send {
        stream::once(async {
            self.check()?;
            let log = self.wire().log.clone();
            self.0.loading.subscribe().wait_for(|loading| *loading).await.unwrap();
            Ok(log)
        })
        .flat_map(|log| match log {
            Ok(log) => {
                stream::iter(log.chunks(3).map(|page| Ok(page.to_vec())).collect::<Vec<_>>())
            }
            Err(error) => stream::iter(vec![Err(error)]),
        })
    }

    async fn beat(&self, beat: Beat) -> Result<(), StoreError> {
        self.check()?;
        let mut wire = self.wire();
        wire.last_beat = Some(beat);
        wire.say(Notice::Beat(beat));
        Ok(())
    }
}

impl TokenStore for FedStore {
    async fn begin(&self, session: &NewSession<'_>) -> Result<Vec<Box<str>>, StoreError> {
        self.check()?;
        let ended = self.0.store.begin(session).await?;
        for session_id in &ended {
            self.publish(Revoked::Session {
                user_id: session.user_id.as_str().into(),
                session_id: session_id.clone(),
                keep_until: session.keep_until,
            });
        }
        Ok(ended)
    }

    async fn spend(&self, spend: &Spend<'_>) -> Result<Spent, StoreError> {
        self.check()?;
        let spent = self.0.store.spend(spend).await?;
        if spent == Spent::Reused {
            self.publish(Revoked::Session {
                user_id: spend.user_id.as_str().into(),
                session_id: spend.session_id.into(),
                keep_until: spend.keep_until,
            });
        }
        Ok(spent)
    }

    async fn revoke(
        &self,
        revocation: &Revocation<'_>,
        now: NumericDate,
    ) -> Result<(), StoreError> {
        self.check()?;
        self.0.store.revoke(revocation, now).await?;
        self.publish(match *revocation {
            Revocation::Token { jti, user_id, keep_until } => {
                Revoked::Token { user_id: user_id.as_str().into(), jti: jti.into(), keep_until }
            }
            Revocation::Session { session_id, user_id, keep_until } => {
                let (user_id, session_id) = (user_id.as_str().into(), session_id.into());
                Revoked::Session { user_id, session_id, keep_until }
            }
            Revocation::User { user_id, keep_until, .. } => {
                Revoked::User { user_id: user_id.as_str().into(), at: now, keep_until }
            }
            _ => return Err(StoreError::unavailable("an unknown kind of revocation")),
        });
        Ok(())
    }

    async fn is_revoked(&self, token: &TokenRef<'_>) -> Result<bool, StoreError> {
        self.0.asked.fetch_add(1, Ordering::SeqCst);
        self.check()?;
        self.0.store.is_revoked(token).await
    }

    async fn sessions(
        &self,
        user_id: &UserId,
        now: NumericDate,
    ) -> Result<Vec<Session>, StoreError> {
        self.check()?;
        self.0.store.sessions(user_id, now).await
    }

    async fn purge(&self, now: NumericDate, limit: usize) -> Result<usize, StoreError> {
        self.check()?;
        self.0.store.purge(now, limit).await
    }
}
