//! A store in memory that feeds replicas, under the control of a test.

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
        Begun, Consume, ConsumeId, Consumed, Generation, NewSession, Page, Revocation, SessionPage,
        Spend, Spent, StoreError, TokenRef, TokenStore,
        replica::{Heartbeat, Notice, RevocationFeed, Revoked},
    },
    token::UserId,
};

/// Clones share everything, like the processes on one server.
#[derive(Clone, Debug)]
pub(crate) struct TestFeed(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    store: MemoryStore,
    is_down: AtomicBool,
    wire: Mutex<Wire>,
    is_loadable: watch::Sender<bool>,
    checks: AtomicUsize,
}

#[derive(Debug, Default)]
struct Wire {
    log: Vec<Revoked>,
    subscribers: Vec<UnboundedSender<Result<Notice, StoreError>>>,
    subscriptions: usize,
    /// The notices that are delayed; `None` if they are delivered at once.
    delayed: Option<Vec<Notice>>,
    last_heartbeat: Option<Heartbeat>,
}

impl TestFeed {
    pub(crate) fn new() -> Self {
        Self(Arc::new(Inner {
            store: MemoryStore::new(),
            is_down: AtomicBool::new(false),
            wire: Mutex::default(),
            is_loadable: watch::Sender::new(true),
            checks: AtomicUsize::new(0),
        }))
    }

    /// While the store is down, every call fails. Going down ends all subscriptions.
    pub(crate) fn set_down(&self, is_down: bool) {
        self.0.is_down.store(is_down, Ordering::SeqCst);
        if is_down {
            self.disconnect();
        }
    }

    pub(crate) fn disconnect(&self) {
        self.wire().subscribers.clear();
    }

    /// Sends an error to all subscriptions.
    pub(crate) fn send_error(&self) {
        for subscriber in &self.wire().subscribers {
            let _ = subscriber.unbounded_send(Err(StoreError::unavailable("malformed notice")));
        }
    }

    /// Sets whether loading makes progress.
    pub(crate) fn set_loadable(&self, is_loadable: bool) {
        self.0.is_loadable.send_replace(is_loadable);
    }

    /// Delays all notices from now on, heartbeats too.
    pub(crate) fn delay_notices(&self) {
        self.wire().delayed = Some(Vec::new());
    }

    /// Delivers the delayed notices, and all further ones at once.
    pub(crate) fn deliver_notices(&self) {
        let mut wire = self.wire();
        for notice in wire.delayed.take().unwrap_or_default() {
            wire.send(notice);
        }
    }

    /// Drops the delayed notices, which no feed may do.
    pub(crate) fn drop_notices(&self) {
        self.wire().delayed = None;
    }

    pub(crate) fn send(&self, notice: Notice) {
        self.wire().send(notice);
    }

    /// Forgets the revocations that are loaded.
    pub(crate) fn forget(&self) -> Vec<Revoked> {
        mem::take(&mut self.wire().log)
    }

    pub(crate) fn subscriptions(&self) -> usize {
        self.wire().subscriptions
    }

    pub(crate) fn last_heartbeat(&self) -> Option<Heartbeat> {
        self.wire().last_heartbeat
    }

    /// How many tokens the store itself has checked.
    pub(crate) fn checks(&self) -> usize {
        self.0.checks.load(Ordering::SeqCst)
    }

    /// How many clones there are.
    pub(crate) fn handles(&self) -> usize {
        Arc::strong_count(&self.0)
    }

    fn wire(&self) -> MutexGuard<'_, Wire> {
        self.0.wire.lock().unwrap()
    }

    fn check_is_up(&self) -> Result<(), StoreError> {
        if self.0.is_down.load(Ordering::SeqCst) {
            return Err(StoreError::unavailable("the store is down"));
        }
        Ok(())
    }

    fn publish(&self, revoked: Revoked) {
        let mut wire = self.wire();
        wire.log.push(revoked.clone());
        wire.send(Notice::Revoked(revoked));
    }
}

impl Wire {
    fn send(&mut self, notice: Notice) {
        match &mut self.delayed {
            Some(delayed) => delayed.push(notice),
            None => self
                .subscribers
                .retain(|subscriber| subscriber.unbounded_send(Ok(notice.clone())).is_ok()),
        }
    }
}

impl RevocationFeed for TestFeed {
    async fn subscribe(
        &self,
        _subscriber: u64,
    ) -> Result<impl Stream<Item = Result<Notice, StoreError>> + Send, StoreError> {
        self.check_is_up()?;
        let (sender, receiver) = unbounded();
        let mut wire = self.wire();
        wire.subscribers.push(sender);
        wire.subscriptions += 1;
        Ok(receiver)
    }

    /// Pages of three, as of the moment when the first one is requested.
    fn live(&self) -> impl Stream<Item = Result<Vec<Revoked>, StoreError>> + Send {
        stream::once(async {
            self.check_is_up()?;
            let log = self.wire().log.clone();
            self.0.is_loadable.subscribe().wait_for(|is_loadable| *is_loadable).await.unwrap();
            Ok(log)
        })
        .flat_map(|log| match log {
            Ok(log) => {
                stream::iter(log.chunks(3).map(|page| Ok(page.to_vec())).collect::<Vec<_>>())
            }
            Err(error) => stream::iter(vec![Err(error)]),
        })
    }

    async fn heartbeat(&self, heartbeat: Heartbeat) -> Result<(), StoreError> {
        self.check_is_up()?;
        let mut wire = self.wire();
        wire.last_heartbeat = Some(heartbeat);
        wire.send(Notice::Heartbeat(heartbeat));
        Ok(())
    }
}

impl TokenStore for TestFeed {
    async fn generation(&self) -> Result<Generation, StoreError> {
        self.check_is_up()?;
        self.0.store.generation().await
    }

    async fn begin(&self, session: &NewSession<'_>) -> Result<Begun, StoreError> {
        self.check_is_up()?;
        let begun = self.0.store.begin(session).await?;
        if let Begun::Started { ended } = &begun {
            for session_id in ended {
                self.publish(Revoked::Session {
                    user_id: session.user_id.as_str().into(),
                    session_id: session_id.clone(),
                    keep_until: session.keep_until,
                });
            }
        }
        Ok(begun)
    }

    async fn spend(&self, spend: &Spend<'_>) -> Result<Spent, StoreError> {
        self.check_is_up()?;
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

    async fn consume(
        &self,
        consume: &Consume<'_>,
        now: NumericDate,
    ) -> Result<Consumed, StoreError> {
        self.check_is_up()?;
        let consumed = self.0.store.consume(consume, now).await?;
        if let (Consumed::First, ConsumeId::Token(jti)) = (consumed, consume.id) {
            self.publish(Revoked::Token {
                user_id: consume.user_id.as_str().into(),
                jti: jti.into(),
                keep_until: consume.keep_until,
            });
        }
        Ok(consumed)
    }

    async fn revoke(
        &self,
        revocation: &Revocation<'_>,
        now: NumericDate,
    ) -> Result<(), StoreError> {
        self.check_is_up()?;
        self.0.store.revoke(revocation, now).await?;
        let revoked = match *revocation {
            Revocation::Token { jti, user_id, keep_until } => {
                Revoked::Token { user_id: user_id.as_str().into(), jti: jti.into(), keep_until }
            }
            Revocation::Session { session_id, user_id, keep_until } => {
                let token = TokenRef::new(user_id.as_str(), NumericDate::MAX);
                let has_ended = self.0.store.is_revoked_now(&token.with_session(Some(session_id)));
                if has_ended != Some(true) {
                    // The session is unknown.
                    return Ok(());
                }
                let (user_id, session_id) = (user_id.as_str().into(), session_id.into());
                Revoked::Session { user_id, session_id, keep_until }
            }
            Revocation::User { user_id, keep_until, .. } => {
                Revoked::User { user_id: user_id.as_str().into(), at: now, keep_until }
            }
            _ => return Err(StoreError::unavailable("unknown kind of revocation")),
        };
        self.publish(revoked);
        Ok(())
    }

    async fn is_revoked(&self, token: &TokenRef<'_>) -> Result<bool, StoreError> {
        self.0.checks.fetch_add(1, Ordering::SeqCst);
        self.check_is_up()?;
        self.0.store.is_revoked(token).await
    }

    async fn sessions(
        &self,
        user_id: &UserId,
        now: NumericDate,
        page: Page<'_>,
    ) -> Result<SessionPage, StoreError> {
        self.check_is_up()?;
        self.0.store.sessions(user_id, now, page).await
    }

    async fn set_label(
        &self,
        user_id: &UserId,
        session_id: &str,
        label: Option<&str>,
        now: NumericDate,
    ) -> Result<bool, StoreError> {
        self.check_is_up()?;
        self.0.store.set_label(user_id, session_id, label, now).await
    }

    async fn purge(&self, now: NumericDate, limit: usize) -> Result<usize, StoreError> {
        self.check_is_up()?;
        self.0.store.purge(now, limit).await
    }
}
