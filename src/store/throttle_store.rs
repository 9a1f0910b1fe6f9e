use std::future::Future;

use super::{
    error::StoreError,
    facts::{Attempt, Attempted},
};

/// Counts attempts to log in, for all machines that share the store.
///
/// All stores of this crate implement it. They keep hashes and times, and forget them with
/// [`TokenStore::purge`](super::TokenStore::purge) or by themselves.
pub trait ThrottleStore: Send + Sync + 'static {
    /// Counts an attempt, and returns whether it is permitted, atomically.
    ///
    /// 1. The last attempt that was counted has this id: [`Permitted`](Attempted::Permitted). Nothing
    ///    changes.
    /// 2. Attempts are blocked until a time after [`Attempt::now`]:
    ///    [`Blocked`](Attempted::Blocked) until then, but at most until
    ///    [`Attempt::latest_block`]. A later time was stored by a machine whose clock was ahead, and
    ///    the earlier one replaces it.
    /// 3. Otherwise the attempt is counted as by [`Attempt::counted`], with 0 for a level that is not
    ///    known: [`Permitted`](Attempted::Permitted). What it returns is remembered until the level and
    ///    the block are over.
    ///
    /// # Errors
    ///
    /// If it is not known whether the attempt was counted. It must not be permitted then.
    fn attempt(
        &self,
        attempt: &Attempt<'_>,
    ) -> impl Future<Output = Result<Attempted, StoreError>> + Send;

    /// Takes back an attempt that was permitted: the level falls by one. If the attempt was counted
    /// last, nothing is blocked any more.
    ///
    /// A repeated call may lower the level once more.
    ///
    /// # Errors
    ///
    /// If the store is unavailable.
    fn take_back(
        &self,
        attempt: &Attempt<'_>,
    ) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// Forgets all attempts that were counted under a name.
    ///
    /// # Errors
    ///
    /// If the store is unavailable.
    fn forget_attempts(&self, name: &str) -> impl Future<Output = Result<(), StoreError>> + Send;
}
