use std::{fmt, sync::Arc};

use tokio::task::JoinHandle;

use crate::{clock::NumericDate, token::UserId};

use super::{
    super::{
        error::StoreError,
        facts::{
            Begun, Consume, ConsumeId, Consumed, Generation, NewSession, Page, Revocation,
            SessionPage, Spend, Spent, TokenRef,
        },
        token_store::TokenStore,
    },
    feed::{RevocationFeed, Revoked},
    follow,
    state::State,
};

/// A [`TokenStore`] that checks access tokens in memory and leaves everything else to the store `S`.
/// See the [module docs](super).
///
/// Clones are handles of the same replica. A task keeps it fresh until the last handle is dropped.
pub struct RevocationReplica<S>(Arc<Handle<S>>);

struct Handle<S> {
    store: Arc<S>,
    state: Arc<State>,
    task: JoinHandle<()>,
}

impl<S: RevocationFeed> RevocationReplica<S> {
    pub(super) fn start(store: S, state: State) -> Self {
        let (store, state) = (Arc::new(store), Arc::new(state));
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
    /// The store that is replicated.
    #[must_use]
    pub fn store(&self) -> &S {
        &self.0.store
    }

    /// Whether access tokens are checked in memory now.
    #[must_use]
    pub fn is_fresh(&self) -> bool {
        self.0.state.is_fresh()
    }

    /// Waits until access tokens are checked in memory, for instance before a service accepts
    /// requests. Set a timeout: while the store is unavailable, this never returns.
    pub async fn until_fresh(&self) {
        self.0.state.staleness.wait_until(|| self.is_fresh()).await;
    }

    /// How many revocations are in memory, including those that expired a moment ago.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.state.index.len()
    }

    /// Whether no revocation is in memory.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl<S: RevocationFeed> TokenStore for RevocationReplica<S> {
    async fn generation(&self) -> Result<Generation, StoreError> {
        self.store().generation().await
    }

    async fn begin(&self, session: &NewSession<'_>) -> Result<Begun, StoreError> {
        let begun = self.store().begin(session).await?;
        if let Begun::Started { ended } = &begun {
            for session_id in ended {
                self.0.state.index.add(&Revoked::Session {
                    user_id: session.user_id.as_str().into(),
                    session_id: session_id.clone(),
                    keep_until: session.keep_until,
                });
            }
        }
        Ok(begun)
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

    async fn consume(
        &self,
        consume: &Consume<'_>,
        now: NumericDate,
    ) -> Result<Consumed, StoreError> {
        let consumed = self.store().consume(consume, now).await?;
        if let (Consumed::First, ConsumeId::Token(jti)) = (consumed, consume.id) {
            self.0.state.index.add(&Revoked::Token {
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
        self.store().revoke(revocation, now).await?;
        let revoked = match *revocation {
            Revocation::Token { jti, user_id, keep_until } => {
                Revoked::Token { user_id: user_id.as_str().into(), jti: jti.into(), keep_until }
            }
            Revocation::Session { session_id, user_id, keep_until } => {
                if !self.may_have_ended(session_id, user_id).await {
                    return Ok(());
                }
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
        if token.refresh || token.validate().is_err() {
            return None;
        }
        self.0.state.is_revoked(token)
    }

    async fn sessions(
        &self,
        user_id: &UserId,
        now: NumericDate,
        page: Page<'_>,
    ) -> Result<SessionPage, StoreError> {
        self.store().sessions(user_id, now, page).await
    }

    async fn set_label(
        &self,
        user_id: &UserId,
        session_id: &str,
        label: Option<&str>,
        now: NumericDate,
    ) -> Result<bool, StoreError> {
        self.store().set_label(user_id, session_id, label, now).await
    }

    async fn purge(&self, now: NumericDate, limit: usize) -> Result<usize, StoreError> {
        self.store().purge(now, limit).await
    }

    async fn ping(&self) -> Result<(), StoreError> {
        self.store().ping().await
    }
}

impl<S: RevocationFeed> RevocationReplica<S> {
    /// Whether a session that was just revoked has ended. An unknown session is not revoked, and must
    /// not take up memory.
    async fn may_have_ended(&self, session_id: &str, user_id: &UserId) -> bool {
        // So late that the revocation of the user does not matter.
        let token = TokenRef::new(user_id.as_str(), NumericDate::MAX);
        let is_revoked = self.store().is_revoked(&token.with_session(Some(session_id))).await;
        is_revoked.unwrap_or(true)
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
