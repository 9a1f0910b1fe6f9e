use std::future::Future;

use crate::{clock::NumericDate, token::UserId};

use super::{
    error::StoreError,
    facts::{NewSession, Revocation, Session, Spend, Spent, TokenRef},
};

/// Remembers sessions and revocations. See the [module docs](super).
pub trait TokenStore: Send + Sync + 'static {
    /// Begins a session, and tells which have ended with it. Nothing is handed out before this has
    /// succeeded.
    ///
    /// With a [limit](NewSession::limit), as many of the user's live sessions end with it, those
    /// used longest ago first, that no more than the limit remain, this one included. Of those that
    /// were last used in the same second any may be first; their ids are what it gives, in any order.
    /// Where the session is known already, ended or not, nothing changes.
    ///
    /// # Errors
    ///
    /// When the session could not be stored.
    fn begin(
        &self,
        session: &NewSession<'_>,
    ) -> impl Future<Output = Result<Vec<Box<str>>, StoreError>> + Send;

    /// Spends a refresh token, atomically.
    ///
    /// With `s` the session of [`Spend::session_id`]:
    ///
    /// 1. The token itself was revoked: [`Revoked`](Spent::Revoked). Nothing changes.
    /// 2. `s` is unknown: [`Revoked`](Spent::Revoked); but if [`Spend::adopt`] is set and its user
    ///    was not revoked at [`Spend::issued_at`] or later, `s` is begun at that time as if this
    ///    token were its first, and the rules go on.
    /// 3. `s` has ended: [`Revoked`](Spent::Revoked).
    /// 4. The token is the one to be spent next: the successor takes its place,
    ///    [`First`](Spent::First).
    /// 5. The token is the one spent last, at `at`, and since `at` fewer whole seconds have passed
    ///    than `grace` has, none if `now` is earlier: [`Again`](Spent::Again) with the successor
    ///    named then. Nothing changes.
    /// 6. Otherwise `s` ends: [`Reused`](Spent::Reused).
    ///
    /// A change also extends the time for which `s` is remembered to [`Spend::keep_until`].
    ///
    /// # Errors
    ///
    /// When the answer could not be stored; the token must then still be good.
    fn spend(&self, spend: &Spend<'_>) -> impl Future<Output = Result<Spent, StoreError>> + Send;

    /// Makes a revocation hold until its `keep_until`.
    ///
    /// It may be repeated, and the latest `keep_until` counts. Revoking a user ends all its
    /// sessions that were begun before, but for the one that is
    /// [excepted](Revocation::User::except), and refuses tokens of no known session that were
    /// issued up to `now`; a session begun afterwards is not touched, even in the same second. A
    /// session that has ended stays so for as long as it is remembered.
    ///
    /// # Errors
    ///
    /// When the revocation could not be stored; it must never be reported as done then.
    fn revoke(
        &self,
        revocation: &Revocation<'_>,
        now: NumericDate,
    ) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// Whether a token was revoked: itself, with its session or with its user.
    ///
    /// A refresh token ([`TokenRef::refresh`]) also counts as revoked once it was spent, and when
    /// its session is unknown and may not be ([`TokenRef::adopt`]). Anything else that the store
    /// does not know is not revoked.
    ///
    /// # Errors
    ///
    /// When the store cannot tell; the request is answered `503`.
    fn is_revoked(
        &self,
        token: &TokenRef<'_>,
    ) -> impl Future<Output = Result<bool, StoreError>> + Send;

    /// The answer of [`is_revoked`](Self::is_revoked) where it takes no waiting, else `None`.
    ///
    /// The layer asks this first, and stays synchronous when there is an answer.
    fn is_revoked_now(&self, token: &TokenRef<'_>) -> Option<bool> {
        let _ = token;
        None
    }

    /// The sessions of a user that have neither ended nor expired, in no particular order.
    ///
    /// # Errors
    ///
    /// When the store cannot tell.
    fn sessions(
        &self,
        user_id: &UserId,
        now: NumericDate,
    ) -> impl Future<Output = Result<Vec<Session>, StoreError>> + Send;

    /// Forgets at most `limit` sessions and revocations whose `keep_until` has come, and tells how
    /// many it forgot.
    ///
    /// A store that forgets by itself has nothing to do here, and answers 0.
    ///
    /// # Errors
    ///
    /// When the store is out of reach.
    fn purge(
        &self,
        now: NumericDate,
        limit: usize,
    ) -> impl Future<Output = Result<usize, StoreError>> + Send;

    /// Fails unless the store could do its work now, as a health check asks.
    ///
    /// Unless a store does better, it asks about a token that nobody has; that tells whether the
    /// store answers, not whether it could be written to.
    ///
    /// # Errors
    ///
    /// When the store is out of reach.
    fn ping(&self) -> impl Future<Output = Result<(), StoreError>> + Send {
        async {
            let nobodys = TokenRef::new("", NumericDate::default());
            self.is_revoked(&nobodys).await.map(drop)
        }
    }
}
