//! Revocation checks from memory, with any number of machines on one store.
//!
//! Asking a shared store on every request costs a round trip. A [`RevocationReplica`] holds what is
//! revoked in memory, and the store tells it what is revoked elsewhere, so that the layer gets its
//! answer at once and waits for nothing:
//!
//! ```
//! use tower_jwt_auth::{Issuer, SigningKey, store::RevocationReplica};
//! # use tower_jwt_auth::store::replica::RevocationFeed;
//!
//! # fn start(store: impl RevocationFeed, secret: [u8; 32]) -> Result<(), Box<dyn std::error::Error>> {
//! let issuer = Issuer::builder(SigningKey::hs256(secret)?)
//!     .rotate_refresh_tokens(true)
//!     .store(RevocationReplica::new(store))
//!     .build()?;
//! let layer = issuer.layer();
//! # drop(layer);
//! # Ok(())
//! # }
//! ```
//!
//! The layer and the issuer share the replica, so that this process rejects what it has revoked as soon
//! as the call returns.
//!
//! # How it decides
//!
//! 1. Refresh tokens always go to the store.
//! 2. While its knowledge is older than the bound, one second by
//!    [default](RevocationReplicaBuilder::max_age), everything goes to the store: at the start,
//!    while the store is away, and until all was loaded again afterwards. What the store cannot
//!    answer either, is answered `503`.
//! 3. A token that was revoked, and one of a session that has ended, is refused.
//! 4. When all sessions of a user are revoked, it is not said which those are. Until a minute after
//!    that, by the time at which they were issued, tokens that name a session go to the store. So do
//!    those of a user who has just logged in here with a
//!    [limit](super::NewSession::limit) of sessions.
//! 5. Any other access token is good.
//!
//! # The bound
//!
//! An answer reflects everything that was revoked one second earlier, or whatever bound is set:
//! four times within it the replica sends a beat through the store, which comes back in order with
//! the revocations. When none has come back for the time of the bound, counted from when it was
//! *sent*, the replica answers nothing any more. In between a revocation arrives as fast as the
//! store tells it, commonly in a millisecond or two. `benches/replica.rs` measures the lookups, and
//! the tests print how long revocations take from one process to the next.
//!
//! The clock of the bound is one that nobody sets, and it is looked at with every answer, so that a
//! process that stood still does not go on with old knowledge. Clocks of several machines may differ
//! by a minute.
//!
//! # Memory
//!
//! An entry is 89 bits of a keyed hash, with a key of this process, and a time: 30 to 70 bytes with
//! everything around it, whatever the ids are; up to 110 if most are revoked users. For nearly every
//! good token no more than a filter is looked at, which takes less than two of them, so that those
//! of a million entries stay in the processor's own cache. It is forgotten within about a minute after
//! its time has come. When there are more than its [capacity](RevocationReplicaBuilder::capacity), all
//! goes to the store until there are fewer.

mod builder;
mod digest;
mod feed;
mod filter;
mod follow;
mod freshness;
mod index;
mod lines;
mod shard;

use std::{fmt, sync::Arc, time::Duration};

use tokio::task::JoinHandle;

use crate::{
    clock::{Clock, NumericDate},
    token::UserId,
};

use self::{freshness::Freshness, index::Index};

use super::{
    error::StoreError,
    facts::{NewSession, Revocation, Session, Spend, Spent, TokenRef},
    token_store::TokenStore,
};

pub use self::{
    builder::RevocationReplicaBuilder,
    feed::{Beat, Notice, RevocationFeed, Revoked},
};

/// A [`TokenStore`] that answers from memory whether an access token is revoked, and leaves all else
/// to the store `S`. See the [module docs](self).
///
/// Clones are handles of the same replica. A task keeps it up to date, which ends with the last of
/// them.
pub struct RevocationReplica<S>(Arc<Handle<S>>);

struct Handle<S> {
    store: Arc<S>,
    state: Arc<State>,
    task: JoinHandle<()>,
}

/// What the task shares with the handles.
struct State {
    index: Index,
    freshness: Freshness,
    clock: Clock,
}

impl<S: RevocationFeed> RevocationReplica<S> {
    /// A replica of `store` with the default settings.
    ///
    /// The store need not be there yet; it is asked until it is.
    ///
    /// # Panics
    ///
    /// Outside of a Tokio runtime.
    #[must_use]
    pub fn new(store: S) -> Self {
        Self::builder(store).start()
    }

    /// Sets up a replica of `store`.
    pub fn builder(store: S) -> RevocationReplicaBuilder<S> {
        RevocationReplicaBuilder::new(store)
    }

    fn start(store: S, max_age: Duration, capacity: usize, clock: Clock) -> Self {
        let store = Arc::new(store);
        let state = Arc::new(State {
            index: Index::with_capacity(capacity),
            freshness: Freshness::new(max_age),
            clock,
        });
        let task = tokio::spawn({
            let (store, state) = (Arc::clone(&store), Arc::clone(&state));
            async move {
                tokio::select! {
                    () = follow::follow(&*store, &state) => {}
                    () = follow::sweep(&state) => {}
                }
            }
        });
        Self(Arc::new(Handle { store, state, task }))
    }
}

impl<S> RevocationReplica<S> {
    /// The store behind it.
    #[must_use]
    pub fn store(&self) -> &S {
        &self.0.store
    }

    /// Whether it answers from memory now.
    #[must_use]
    pub fn is_fresh(&self) -> bool {
        self.0.state.is_fresh()
    }

    /// Waits until it answers from memory, for instance before a service takes requests. While the
    /// store is away that takes for ever, so set a timeout.
    pub async fn until_fresh(&self) {
        self.0.state.freshness.wait_until(|| self.is_fresh()).await;
    }

    /// How many revocations it holds, those included whose time has just come.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.state.index.len()
    }

    /// Whether it holds no revocation.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl State {
    fn is_fresh(&self) -> bool {
        self.freshness.is_fresh() && !self.index.has_overflowed()
    }
}

impl<S: RevocationFeed> TokenStore for RevocationReplica<S> {
    async fn begin(&self, session: &NewSession<'_>) -> Result<Vec<Box<str>>, StoreError> {
        let ended = self.store().begin(session).await?;
        if session.limit.is_some() {
            // Which sessions have ended will be known within the bound, or it is not fresh by then.
            let State { index, freshness, clock } = &*self.0.state;
            let known = clock.now().saturating_add(freshness.max_age() + Duration::from_secs(2));
            index.doubt_sessions(session.user_id.as_str(), session.now, known);
        }
        Ok(ended)
    }

    async fn spend(&self, spend: &Spend<'_>) -> Result<Spent, StoreError> {
        let spent = self.store().spend(spend).await?;
        if spent == Spent::Reused {
            self.0.state.index.add(&Revoked::Session {
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
        self.store().revoke(revocation, now).await?;
        let revoked = match *revocation {
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
        };
        self.0.state.index.add(&revoked);
        Ok(())
    }

    async fn is_revoked(&self, token: &TokenRef<'_>) -> Result<bool, StoreError> {
        self.store().is_revoked(token).await
    }

    fn is_revoked_now(&self, token: &TokenRef<'_>) -> Option<bool> {
        if token.refresh || !self.is_fresh() {
            return None;
        }
        self.0.state.index.is_revoked(token)
    }

    async fn sessions(
        &self,
        user_id: &UserId,
        now: NumericDate,
    ) -> Result<Vec<Session>, StoreError> {
        self.store().sessions(user_id, now).await
    }

    async fn purge(&self, now: NumericDate, limit: usize) -> Result<usize, StoreError> {
        self.store().purge(now, limit).await
    }

    async fn ping(&self) -> Result<(), StoreError> {
        self.store().ping().await
    }
}

impl<S> Clone for RevocationReplica<S> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<S> Drop for Handle<S> {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl<S: fmt::Debug> fmt::Debug for RevocationReplica<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RevocationReplica")
            .field("store", self.store())
            .field("is_fresh", &self.is_fresh())
            .field("len", &self.len())
            .finish_non_exhaustive()
    }
}
