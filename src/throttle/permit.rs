use std::fmt;

use serde::{Deserialize, Serialize};

use crate::clock::NumericDate;

use super::counters::{Counter, Counters};

/// An attempt that was permitted and counted, from [`Throttle::attempt`](super::Throttle::attempt).
///
/// If it is dropped, the attempt stays counted.
#[must_use]
pub struct Permit {
    pub(super) counters: Counters,
    pub(super) id: Box<str>,
    pub(super) now: NumericDate,
    pub(super) address: Option<Counter>,
    pub(super) account: Option<Counter>,
}

impl Permit {
    /// The attempt succeeded: resets the limit of the account, and takes the attempt back for the
    /// address.
    ///
    /// If the store does not respond, the attempt stays counted.
    pub async fn succeeded(self) {
        if let Some(account) = &self.account {
            self.counters.forget(account).await;
        }
        self.take_back_from(self.address.as_ref()).await;
    }

    /// Takes the attempt back, because it could not be decided.
    ///
    /// If the store does not respond, the attempt stays counted.
    pub async fn take_back(self) {
        self.take_back_from(self.account.as_ref()).await;
        self.take_back_from(self.address.as_ref()).await;
    }

    /// What is needed to conclude the attempt in another request. It contains hashes, but no name and
    /// no address.
    pub(crate) fn pending(&self) -> PendingAttempt {
        PendingAttempt {
            account: self.account.as_ref().map(|account| account.name.clone()),
            address: self.address.as_ref().map(|address| address.name.clone()),
            id: self.id.clone(),
            at: self.now.as_secs(),
        }
    }

    async fn take_back_from(&self, counter: Option<&Counter>) {
        if let Some(counter) = counter {
            self.counters.take_back(counter, &counter.attempt(&self.id, self.now)).await;
        }
    }
}

/// An attempt that a later request concludes.
#[derive(Serialize, Deserialize)]
pub(crate) struct PendingAttempt {
    /// The hash of the account's name. Whoever can guess a name can recognize it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) account: Option<Box<str>>,
    /// The hash of the client's address, which may not be that of the second step.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) address: Option<Box<str>>,
    pub(super) id: Box<str>,
    pub(super) at: u64,
}

impl fmt::Debug for Permit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Permit").finish_non_exhaustive()
    }
}
