//! Where a replica learns what was revoked.

use std::{fmt, future::Future};

use futures::Stream;

use crate::clock::NumericDate;

use super::super::{error::StoreError, token_store::TokenStore};

/// A [`TokenStore`] that tells what is revoked at it, by whatever process.
///
/// # Writing a feed
///
/// A [`RevocationReplica`](super::RevocationReplica) subscribes, then reads what is
/// [live](Self::live), then sends a [beat](Self::beat) again and again. A beat that comes back says
/// that the replica knows everything that was revoked before it was sent. So this must hold:
///
/// 1. A revocation and its notice are one step: none is stored without a notice being on its way to
///    every subscription there is.
/// 2. A subscription gives its notices in the order in which they were sent, beats among them: what
///    was revoked before a beat was sent comes before the beat. Beats go the way of the
///    revocations, through the store, and not around it.
/// 3. A subscription that may have lost a notice ends, or gives an error. It never reconnects by
///    itself.
/// 4. Notices are sent for tokens, for users, and for sessions that end in any other way than by the
///    revocation of their user: also by [`Spent::Reused`](super::super::Spent::Reused) and by a
///    [limit](super::super::NewSession::limit). Ended sessions of a revoked user need none, and may
///    have one.
///
/// A notice may come twice, and may come before the call has returned that caused it.
pub trait RevocationFeed: TokenStore {
    /// Subscribes to all that is revoked from when this has returned. `subscriber` is a new random
    /// number.
    ///
    /// # Errors
    ///
    /// When the store is out of reach.
    fn subscribe(
        &self,
        subscriber: u64,
    ) -> impl Future<
        Output = Result<impl Stream<Item = Result<Notice, StoreError>> + Send, StoreError>,
    > + Send;

    /// All that is revoked and must still be remembered, in pages of any size; but for sessions that
    /// have ended with their user's revocation, and refresh tokens that were merely spent.
    ///
    /// What is revoked while the pages are read may be among them or not. After an error nothing
    /// more is read.
    fn live(&self) -> impl Stream<Item = Result<Vec<Revoked>, StoreError>> + Send;

    /// Sends a beat to the subscription of [`Beat::subscriber`], or to all.
    ///
    /// # Errors
    ///
    /// When the store is out of reach.
    fn beat(&self, beat: Beat) -> impl Future<Output = Result<(), StoreError>> + Send;
}

/// What a subscription says.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Notice {
    /// This is revoked.
    Revoked(Revoked),
    /// A [beat](RevocationFeed::beat) has come back.
    Beat(Beat),
}

/// A sign of life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Beat {
    /// For whom it is.
    pub subscriber: u64,
    /// Which one it is.
    pub number: u64,
}

/// What is not good any more, as a [`Revocation`](super::super::Revocation) made it.
#[derive(Clone)]
#[non_exhaustive]
pub enum Revoked {
    /// One token.
    Token {
        /// Whose it is.
        user_id: Box<str>,
        /// Its `jti`.
        jti: Box<str>,
        /// Until when this must be remembered.
        keep_until: NumericDate,
    },
    /// A session.
    Session {
        /// Whose it is.
        user_id: Box<str>,
        /// Its id.
        session_id: Box<str>,
        /// Until when this must be remembered.
        keep_until: NumericDate,
    },
    /// A user.
    User {
        /// Who.
        user_id: Box<str>,
        /// When it was revoked, for the last time.
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
