//! Calls of a store, with short names and times.

use std::sync::atomic::{AtomicU64, Ordering};

use tower_jwt_auth::{
    NumericDate,
    store::{NewSession, Revocation, Spend, Spent, StoreError, TokenRef, TokenStore},
    token::UserId,
};

/// Until when the store must remember everything.
pub(crate) const KEPT: u64 = 1_000_000;

pub(crate) const fn at(secs: u64) -> NumericDate {
    NumericDate::from_secs(secs)
}

/// An id that this process has not used before.
pub(crate) fn new_id() -> String {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    format!("{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed))
}

/// Begins a session with the refresh token `first`. Its id and that of its user are `id`.
pub(crate) async fn begin<S: TokenStore>(
    store: &S,
    id: &str,
    first: &str,
) -> Result<(), StoreError> {
    let user = UserId::from(id);
    let session = NewSession::new(id, &user, first, at(0)).with_expiry(at(KEPT), at(KEPT));
    store.begin(&session).await.map(drop)
}

pub(crate) async fn spend<S: TokenStore>(
    store: &S,
    id: &str,
    refresh: &str,
    successor: &str,
) -> Result<Spent, StoreError> {
    spend_as(store, id, refresh, successor, |spend| spend).await
}

pub(crate) async fn spend_as<S: TokenStore>(
    store: &S,
    id: &str,
    refresh: &str,
    successor: &str,
    configure: impl FnOnce(Spend<'_>) -> Spend<'_>,
) -> Result<Spent, StoreError> {
    let user = UserId::from(id);
    let session = NewSession::new(id, &user, refresh, at(1)).with_expiry(at(KEPT), at(KEPT));
    store.spend(&configure(Spend::new(&session, at(1), successor))).await
}

/// Whether the refresh token was spent or revoked.
pub(crate) async fn is_spent<S: TokenStore>(
    store: &S,
    id: &str,
    refresh: &str,
) -> Result<bool, StoreError> {
    let token = TokenRef::new(id, at(0)).with_jti(Some(refresh)).with_session(Some(id));
    store.is_revoked(&token.as_refresh(false)).await
}

pub(crate) async fn end<S: TokenStore>(store: &S, id: &str) -> Result<(), StoreError> {
    let user_id = &UserId::from(id);
    let revocation = Revocation::Session { session_id: id, user_id, keep_until: at(KEPT) };
    store.revoke(&revocation, at(1)).await
}
