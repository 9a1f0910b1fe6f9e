//! The search for an order of concurrent events that explains their results.

use std::collections::BTreeSet;

use super::{event::Event, state::Model};

/// The states in which a store may be after what has been observed.
#[derive(Debug)]
pub(super) struct Possible(BTreeSet<Model>);

impl Possible {
    pub(super) fn new() -> Self {
        Self(BTreeSet::from([Model::default()]))
    }

    /// Whether some order of `events` has their results. An event that ended before another began
    /// comes first. If there is no order, nothing changes.
    pub(super) fn advance(&mut self, events: &[Event]) -> bool {
        let mut last = BTreeSet::new();
        let mut seen = BTreeSet::new();
        let mut pending: Vec<_> =
            self.0.iter().map(|model| (BTreeSet::new(), model.clone())).collect();
        while let Some((done, model)) = pending.pop() {
            if done.len() == events.len() {
                last.insert(model);
                continue;
            }
            let open = (0..events.len()).filter(|index| !done.contains(index));
            let first_end = open.clone().map(|index| events[index].end).min().unwrap_or(u64::MAX);
            for index in open.filter(|index| events[*index].start <= first_end) {
                for model in model.after(&events[index].kind) {
                    let mut done = done.clone();
                    done.insert(index);
                    if seen.insert((done.clone(), model.clone())) {
                        pending.push((done, model));
                    }
                }
            }
        }
        if last.is_empty() {
            return false;
        }
        self.0 = last;
        true
    }
}
