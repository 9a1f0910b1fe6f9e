//! A map whose entries are forgotten, a few at a time, when their time has come.

use std::{
    cmp::Reverse,
    collections::{BinaryHeap, HashMap},
    sync::Arc,
};

use crate::clock::NumericDate;

/// What a [`Shard`] holds.
pub(super) trait Expire {
    /// Drops what is over at `now`, and tells how much was dropped and until when the rest must be
    /// kept; `None` when nothing is left.
    fn expire(&mut self, now: NumericDate) -> (usize, Option<NumericDate>);
}

pub(super) struct Shard<T> {
    entries: HashMap<Arc<str>, T>,
    /// One element an entry: when to look at it again. Entries that live longer by then go back.
    due: BinaryHeap<Reverse<(NumericDate, Arc<str>)>>,
}

impl<T> Default for Shard<T> {
    fn default() -> Self {
        Self { entries: HashMap::new(), due: BinaryHeap::new() }
    }
}

impl<T: Expire> Shard<T> {
    pub(super) fn get(&self, id: &str) -> Option<&T> {
        self.entries.get(id)
    }

    pub(super) fn get_mut(&mut self, id: &str) -> Option<&mut T> {
        self.entries.get_mut(id)
    }

    /// The entry `id`, made by `new` if there is none; it will be looked at when `keep_until` has
    /// come.
    pub(super) fn get_or_insert(
        &mut self,
        id: &str,
        keep_until: NumericDate,
        new: impl FnOnce() -> T,
    ) -> &mut T {
        let id: Arc<str> = id.into();
        let due = &mut self.due;
        self.entries.entry(Arc::clone(&id)).or_insert_with(|| {
            due.push(Reverse((keep_until, id)));
            new()
        })
    }

    /// Looks at no more than `limit` entries that are due at `now`, and tells how much was dropped.
    pub(super) fn sweep(&mut self, now: NumericDate, limit: usize) -> usize {
        let mut dropped = 0;
        for _ in 0..limit {
            match self.due.peek() {
                Some(Reverse((due, _))) if *due <= now => {}
                _ => break,
            }
            let Some(Reverse((_, id))) = self.due.pop() else { break };
            let Some(entry) = self.entries.get_mut(&id) else { continue };
            let (gone, keep_until) = entry.expire(now);
            dropped += gone;
            match keep_until {
                Some(keep_until) => self.due.push(Reverse((keep_until, id))),
                None => {
                    self.entries.remove(&id);
                }
            }
        }
        dropped
    }
}
