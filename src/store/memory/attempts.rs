//! Attempts to log in.

use std::{
    collections::{BTreeSet, HashMap},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use crate::clock::NumericDate;

use super::super::{
    error::StoreError,
    facts::{Attempt, Attempted, check_lengths},
};

/// How many names are counted. Beyond that, those are forgotten that would be forgotten first.
const CAPACITY: usize = 100_000;
/// How many names that are due each attempt forgets.
const SWEEP: usize = 4;

/// Has a capacity of its own, so that a flood of names cannot displace sessions.
#[derive(Default)]
pub(super) struct Attempts(Mutex<Entries>);

#[derive(Default)]
struct Entries {
    by_name: HashMap<Arc<str>, Entry>,
    by_end: BTreeSet<(NumericDate, Arc<str>)>,
}

struct Entry {
    level_until: NumericDate,
    blocked_until: NumericDate,
    last_id: Box<str>,
}

impl Entry {
    fn keep_until(&self) -> NumericDate {
        self.level_until.max(self.blocked_until)
    }
}

impl Attempts {
    fn lock(&self) -> MutexGuard<'_, Entries> {
        // No change panics halfway.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Entries {
    fn remove(&mut self, name: &str) -> Option<Entry> {
        let (name, entry) = self.by_name.remove_entry(name)?;
        self.by_end.remove(&(entry.keep_until(), name));
        Some(entry)
    }

    fn insert(&mut self, name: &str, entry: Entry) {
        let name: Arc<str> = name.into();
        self.by_end.insert((entry.keep_until(), Arc::clone(&name)));
        self.by_name.insert(name, entry);
    }

    fn make_room(&mut self, now: NumericDate) {
        for _ in 0..SWEEP {
            match self.by_end.first() {
                Some((end, _)) if *end <= now || self.by_name.len() >= CAPACITY => {}
                _ => return,
            }
            if let Some((_, name)) = self.by_end.pop_first() {
                self.by_name.remove(&name);
            }
        }
    }
}

impl Attempts {
    pub(super) fn attempt(&self, attempt: &Attempt<'_>) -> Result<Attempted, StoreError> {
        attempt.validate()?;
        let mut entries = self.lock();
        let known = entries.remove(attempt.name);
        let (entry, outcome) = match known {
            Some(entry) if *entry.last_id == *attempt.id => (entry, Attempted::Permitted),
            Some(entry) if entry.blocked_until > attempt.now => {
                let until = entry.blocked_until.min(attempt.latest_block());
                (Entry { blocked_until: until, ..entry }, Attempted::Blocked { until })
            }
            known => {
                let level = known.map_or(NumericDate::default(), |entry| entry.level_until);
                let (level_until, blocked_until) = attempt.counted(level);
                let entry = Entry { level_until, blocked_until, last_id: attempt.id.into() };
                (entry, Attempted::Permitted)
            }
        };
        entries.make_room(attempt.now);
        entries.insert(attempt.name, entry);
        Ok(outcome)
    }

    pub(super) fn take_back(&self, attempt: &Attempt<'_>) -> Result<(), StoreError> {
        attempt.validate()?;
        let mut entries = self.lock();
        if let Some(mut entry) = entries.remove(attempt.name) {
            entry.level_until = entry.level_until.saturating_sub(attempt.limit.recovery());
            if *entry.last_id == *attempt.id {
                entry.blocked_until = NumericDate::default();
            }
            entries.insert(attempt.name, entry);
        }
        Ok(())
    }

    pub(super) fn forget_attempts(&self, name: &str) -> Result<(), StoreError> {
        check_lengths([name])?;
        self.lock().remove(name);
        Ok(())
    }
}
