use std::future::Future;

use crate::{clock::NumericDate, token::UserId};

use super::{
    error::StoreError,
    facts::{
        Begun, Consume, Consumed, Generation, NewSession, Page, Revocation, SessionPage, Spend,
        Spent, TokenRef,
    },
};

/// Remembers sessions and revocations. See the [module docs](super).
pub trait TokenStore: Send + Sync + 'static {
    /// The store's current generation: how many users were revoked so far, or any other number that
    /// every [`Revocation::User`] raises.
    ///
    /// A generation that is read after the revocation of a user has returned is at least the one of
    /// that revocation.
    ///
    /// # Errors
    ///
    /// If the store is unavailable.
    fn generation(&self) -> impl Future<Output = Result<Generation, StoreError>> + Send;

    /// Begins a session.
    ///
    /// 1. If the session's user was revoked with a higher generation than
    ///    [`NewSession::generation`], nothing changes: [`UserRevoked`](Begun::UserRevoked).
    /// 2. If the session is known already, ended or not, nothing changes.
    /// 3. Otherwise the session begins. With a [limit](NewSession::limit), other live sessions of
    ///    the user end, those first that have not been used for the longest time, until no more
    ///    than the limit remain, the new session included. Sessions that were last used in the same
    ///    second end in any order. A store may end only 100 sessions with one call; the others then
    ///    end with the user's next logins.
    ///
    /// A session that is live at `now` has not ended, and its refresh token has not expired.
    ///
    /// # Errors
    ///
    /// If the session could not be stored. No token of the session may be handed out then.
    fn begin(
        &self,
        session: &NewSession<'_>,
    ) -> impl Future<Output = Result<Begun, StoreError>> + Send;

    /// Spends a refresh token, atomically.
    ///
    /// With `s` the session of [`Spend::session_id`]:
    ///
    /// 1. The token itself was revoked: [`Revoked`](Spent::Revoked). Nothing changes.
    /// 2. `s` is unknown: [`Revoked`](Spent::Revoked). But if [`Spend::adopt`] is set, and the user
    ///    was not revoked at or after [`Spend::issued_at`], `s` begins at that time as if this token
    ///    were its first one, and the next rules apply. Such a session must be remembered until
    ///    [`Spend::keep_until`] even if it ends early: otherwise the token could be adopted again.
    /// 3. `s` has ended: [`Revoked`](Spent::Revoked).
    /// 4. The token is the unspent one: its successor takes its place, [`First`](Spent::First).
    /// 5. The token is the one that was spent last, at `at`, and fewer whole seconds have passed
    ///    from `at` to `now` than `grace` has: [`Again`](Spent::Again) with the successor that was
    ///    named at `at`. If `now` is before `at`, no second has passed. Nothing changes.
    /// 6. Otherwise `s` ends: [`Reused`](Spent::Reused).
    ///
    /// [`First`](Spent::First) also extends the times until which `s` is remembered to
    /// [`Spend::keep_until`] and [`Spend::access_until`].
    ///
    /// # Errors
    ///
    /// If the outcome could not be stored. The token must still be unspent then.
    fn spend(&self, spend: &Spend<'_>) -> impl Future<Output = Result<Spent, StoreError>> + Send;

    /// Consumes an id that can be used once, atomically.
    ///
    /// 1. The id was consumed before, or is that of a revoked token: [`Before`](Consumed::Before).
    /// 2. [`Consume::session_id`] is set, and the session is unknown or has ended: `Before`.
    /// 3. It is not set, and the user was revoked after [`Consume::issued_at`], or with a higher
    ///    generation than [`Consume::generation`]: `Before`. Without a generation, a revocation in
    ///    the second of `issued_at` counts as later.
    /// 4. Otherwise: [`First`](Consumed::First). The id is consumed until [`Consume::keep_until`]. If
    ///    it is that of a [token](super::ConsumeId::Token), the token is revoked for as long.
    ///
    /// [`Other`](super::ConsumeId::Other) ids are separate from the ids of tokens.
    ///
    /// # Errors
    ///
    /// If it is not known whether the outcome was stored. Nothing may be granted then. The id may
    /// have been consumed nevertheless, and a repeated call may return `Before`: at most one call
    /// returns `First`.
    fn consume(
        &self,
        consume: &Consume<'_>,
        now: NumericDate,
    ) -> impl Future<Output = Result<Consumed, StoreError>> + Send;

    /// Revokes a token, a session or a user until the given `keep_until`.
    ///
    /// - A call may be repeated, and the latest `keep_until` counts.
    /// - Revoking a session ends it. If the session is unknown, nothing is stored, and the call
    ///   succeeds.
    /// - Revoking a user first raises the store's [generation](Self::generation). It then ends all
    ///   sessions of the user, except [`except`](Revocation::User::except) if that one is live, and
    ///   marks the user with the new generation. From then on, logins with a lower generation are
    ///   refused, and tokens of no known session that were issued at or before `now` are revoked.
    ///   Sessions that begin afterwards are not affected, even in the same second.
    /// - A session that has ended is remembered until the latest `access_until` that
    ///   [`begin`](Self::begin) or [`spend`](Self::spend) gave for it, or until the time that the
    ///   call that ended it gave, whichever is later. It need not be remembered for longer. A store
    ///   may remember the sessions of a revoked user until their own `keep_until`.
    /// - As long as a session is remembered, it stays ended.
    ///
    /// # Errors
    ///
    /// If the revocation could not be stored. A store must never report a revocation as done that
    /// was not.
    fn revoke(
        &self,
        revocation: &Revocation<'_>,
        now: NumericDate,
    ) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// Whether a token was revoked: itself, with its session, or with its user.
    ///
    /// A refresh token ([`TokenRef::refresh`]) also counts as revoked if it was spent, or if its
    /// session is unknown and [`TokenRef::adopt`] is not set. Any other token that the store does
    /// not know is not revoked.
    ///
    /// # Errors
    ///
    /// If the store cannot decide: the request is rejected with `503`. This includes a server that
    /// may not know the latest revocations, for example a standby.
    fn is_revoked(
        &self,
        token: &TokenRef<'_>,
    ) -> impl Future<Output = Result<bool, StoreError>> + Send;

    /// The result of [`is_revoked`](Self::is_revoked) if it is available without waiting, else
    /// `None`.
    ///
    /// The layer calls this first, and awaits nothing if there is a result.
    fn is_revoked_now(&self, token: &TokenRef<'_>) -> Option<bool> {
        let _ = token;
        None
    }

    /// Lists some of the live sessions of a user, in an order of the store's choice.
    ///
    /// A session that stays live and unused while the pages are read is listed once. One that is
    /// used in the meantime may be listed on two pages, or on none.
    ///
    /// # Errors
    ///
    /// If the store is unavailable, or the [cursor](Page::cursor) is not from this store.
    fn sessions(
        &self,
        user_id: &UserId,
        now: NumericDate,
        page: Page<'_>,
    ) -> impl Future<Output = Result<SessionPage, StoreError>> + Send;

    /// Sets or removes the label of a session that is live at `now`, and returns `true`. Returns
    /// `false` and changes nothing if the session is not live, or is not one of this user.
    ///
    /// # Errors
    ///
    /// If the label could not be stored, or has more than [`MAX_ID_LEN`](super::MAX_ID_LEN) bytes.
    fn set_label(
        &self,
        user_id: &UserId,
        session_id: &str,
        label: Option<&str>,
        now: NumericDate,
    ) -> impl Future<Output = Result<bool, StoreError>> + Send;

    /// Forgets up to `limit` sessions, revocations and uses that need not be remembered any longer,
    /// and returns how many it forgot.
    ///
    /// A store that forgets by itself does nothing here, and returns 0.
    ///
    /// # Errors
    ///
    /// If the store is unavailable.
    fn purge(
        &self,
        now: NumericDate,
        limit: usize,
    ) -> impl Future<Output = Result<usize, StoreError>> + Send;

    /// Checks whether the store works, for a health check.
    ///
    /// By default this calls [`is_revoked`](Self::is_revoked), which shows that the store can be
    /// read, but not that it can be written. Stores should do better.
    ///
    /// # Errors
    ///
    /// If the store is unavailable.
    fn ping(&self) -> impl Future<Output = Result<(), StoreError>> + Send {
        async {
            let token = TokenRef::new("", NumericDate::default());
            self.is_revoked(&token).await.map(drop)
        }
    }
}
