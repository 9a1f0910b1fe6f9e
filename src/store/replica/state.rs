use crate::clock::Clock;

use super::{super::facts::TokenRef, index::Index, staleness::Staleness};

/// What the task shares with the handles of a replica.
pub(super) struct State {
    pub(super) index: Index,
    pub(super) staleness: Staleness,
    pub(super) clock: Clock,
}

impl State {
    /// Whether nothing is missing that was revoked more than `max_age` ago.
    pub(super) fn is_fresh(&self) -> bool {
        self.staleness.is_fresh() && self.is_complete()
    }

    /// Whether everything that was added and has not expired is still there.
    fn is_complete(&self) -> bool {
        !self.index.has_overflowed() && !self.index.was_swept_after(self.clock.now())
    }

    /// Whether an access token is revoked; `None` if only the store knows.
    pub(super) fn is_revoked(&self, token: &TokenRef<'_>) -> Option<bool> {
        match self.index.is_revoked(token) {
            // Checked afterwards: the process may have been suspended, or an entry swept, meanwhile.
            Some(false) if !self.is_fresh() => None,
            is_revoked => is_revoked,
        }
    }
}
