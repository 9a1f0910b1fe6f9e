//! Where a replica learns what was revoked.

use std::{fmt, future::Future};

use futures::Stream;

use crate::clock::NumericDate;

use super::super::{error::StoreError, token_store::TokenStore};

/// A [`TokenStore`] that notifies of every revocation, whichever process made it.
///
/// # Writing a feed
///
/// A [`RevocationReplica`](super::RevocationReplica) subscribes, then reads what is
/// [live](Self::live), then sends one [heartbeat](Self::heartbeat) after another. When a heartbeat
/// returns, the replica concludes that it knows everything that was revoked before it was sent. A
/// feed must keep these rules:
///
/// 1. A revocation and its notice are one step. No revocation is stored unless its notice is sent to
///    every subscription.
/// 2. A subscription returns notices, heartbeats among them, in the order in which they were sent.
///    Heartbeats pass through the store, as revocations do, and only while the store could take a
///    revocation: the heartbeat of a standby or of a demoted master fails.
/// 3. A subscription that may have lost a notice ends or returns an error. It never reconnects.
/// 4. There is a notice for every revoked or consumed token, every revoked user, and every session that ends in
///    another way than with its user. That includes
///    [`Spent::Reused`](crate::store::Spent::Reused) and the
///    [limit](crate::store::NewSession::limit) of sessions.
///
/// A notice may be sent twice, and may arrive before the call that caused it returns.
pub trait RevocationFeed: TokenStore {
    /// Subscribes to everything that is revoked after this returns. `subscriber` is a new random
    /// number.
    ///
    /// # Errors
    ///
    /// When the store is unavailable.
    fn subscribe(
        &self,
        subscriber: u64,
    ) -> impl Future<
        Output = Result<impl Stream<Item = Result<Notice, StoreError>> + Send, StoreError>,
    > + Send;

    /// Every revocation that must still be remembered, in pages of any size. Sessions that ended
    /// with their user, and refresh tokens that were spent, may be left out.
    ///
    /// What is revoked while the pages are read may be missing. After an error nothing more is
    /// read.
    fn live(&self) -> impl Stream<Item = Result<Vec<Revoked>, StoreError>> + Send;

    /// Sends a heartbeat to the subscription of [`Heartbeat::subscriber`], or to all.
    ///
    /// # Errors
    ///
    /// When the store is unavailable, or could not take a revocation.
    fn heartbeat(
        &self,
        heartbeat: Heartbeat,
    ) -> impl Future<Output = Result<(), StoreError>> + Send;
}

/// An item of a subscription.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Notice {
    /// Something was revoked.
    Revoked(Revoked),
    /// A [heartbeat](RevocationFeed::heartbeat) has returned.
    Heartbeat(Heartbeat),
}

/// Proves, when it returns, that nothing is missing that was revoked before it was sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Heartbeat {
    /// The subscription that it belongs to.
    pub subscriber: u64,
    /// Its number, which grows with time.
    pub number: u64,
}

/// What was revoked, by a [`Revocation`](crate::store::Revocation) or otherwise.
#[derive(Clone)]
#[non_exhaustive]
pub enum Revoked {
    /// One token.
    Token {
        /// The user's id.
        user_id: Box<str>,
        /// The token's `jti`.
        jti: Box<str>,
        /// Until when this must be remembered.
        keep_until: NumericDate,
    },
    /// A session.
    Session {
        /// The user's id.
        user_id: Box<str>,
        /// The session's id.
        session_id: Box<str>,
        /// Until when this must be remembered.
        keep_until: NumericDate,
    },
    /// A user.
    User {
        /// The user's id.
        user_id: Box<str>,
        /// The time of the last revocation.
        at: NumericDate,
        /// Until when this must be remembered.
        keep_until: NumericDate,
    },
}

impl fmt::Debug for Revoked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = match self {
            Self::Token { .. } => "Token",
            Self::Session { .. } => "Session",
            Self::User { .. } => "User",
        };
        f.debug_struct(name).finish_non_exhaustive()
    }
}
