//! One request at a time for the same token.

use std::{
    collections::HashMap,
    hash::Hash,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use futures::{
    FutureExt,
    future::{BoxFuture, Shared, WeakShared},
};

/// The requests under way. Whoever waits for one drives it, and the last one that stops waiting ends
/// it.
pub(super) struct Flights<K, T: Clone>(Mutex<State<K, T>>);

struct State<K, T: Clone> {
    flights: HashMap<K, Flight<T>>,
    begun: u64,
}

struct Flight<T: Clone> {
    number: u64,
    outcome: WeakShared<BoxFuture<'static, T>>,
}

/// Removes a flight from the list when it ends, whether or not it is complete.
struct Landing<K: Copy + Eq + Hash, T: Clone> {
    flights: Arc<Flights<K, T>>,
    key: K,
    number: u64,
}

impl<K, T> Flights<K, T>
where
    K: Copy + Eq + Hash + Send + 'static,
    T: Clone + Send + Sync + 'static,
{
    pub(super) fn new() -> Arc<Self> {
        Arc::new(Self(Mutex::new(State { flights: HashMap::new(), begun: 0 })))
    }

    /// Joins the flight of `key`, or begins one. If there is none, `known` is asked first whether one
    /// has just been completed.
    pub(super) fn join<F: Future<Output = T> + Send + 'static>(
        self: &Arc<Self>,
        key: K,
        known: impl FnOnce() -> Option<T>,
        begin: impl FnOnce() -> F,
    ) -> Result<T, Shared<BoxFuture<'static, T>>> {
        let mut state = self.state();
        if let Some(flight) = state.flights.get(&key).and_then(|flight| flight.outcome.upgrade()) {
            return Err(flight);
        }
        if let Some(outcome) = known() {
            return Ok(outcome);
        }
        let number = state.begun;
        state.begun += 1;
        let (landing, flight) = (Landing { flights: Arc::clone(self), key, number }, begin());
        let outcome = async move {
            let _landing = landing;
            flight.await
        };
        let outcome = outcome.boxed().shared();
        if let Some(weak) = outcome.downgrade() {
            state.flights.insert(key, Flight { number, outcome: weak });
        }
        Err(outcome)
    }
}

impl<K, T: Clone> Flights<K, T> {
    fn state(&self) -> MutexGuard<'_, State<K, T>> {
        // No change panics halfway.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<K: Copy + Eq + Hash, T: Clone> Drop for Landing<K, T> {
    fn drop(&mut self) {
        let mut state = self.flights.state();
        if state.flights.get(&self.key).is_some_and(|flight| flight.number == self.number) {
            state.flights.remove(&self.key);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::future::{pending, ready};

    use futures::FutureExt;

    use super::Flights;

    #[test]
    fn a_flight_that_has_just_been_completed_is_not_repeated() {
        let flights = Flights::new();
        let joined = flights.join(1, || Some("known"), || ready("begun"));
        assert!(matches!(joined, Ok("known")));
    }

    #[test]
    fn flights_leave_the_list_when_they_end() {
        let flights = Flights::new();
        let complete = flights.join(1, || None, || ready("begun")).expect_err("a flight");
        assert_eq!(flights.state().flights.len(), 1);
        assert_eq!(complete.now_or_never(), Some("begun"));
        assert!(flights.state().flights.is_empty());
        let abandoned = flights.join(1, || None, pending::<&str>).expect_err("a flight");
        assert_eq!(flights.state().flights.len(), 1);
        drop(abandoned);
        assert!(flights.state().flights.is_empty());
    }
}
