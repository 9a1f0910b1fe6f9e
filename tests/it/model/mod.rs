//! Random histories of calls, run against every store and against one simple model.
//!
//! Sequential histories must have exactly the results that the model allows. The results of
//! concurrent calls must be those of some order of the calls.

mod client;
mod event;
mod order;
mod state;
mod stores;

use std::{cell::Cell, fmt::Debug};

use proptest::{
    collection::vec,
    prelude::Strategy,
    test_runner::{Config, RngSeed, TestCaseError, TestRunner},
};
use tokio::runtime::Runtime;
use tower_jwt_auth::store::{StoreError, TokenStore};

use self::{
    client::{Client, step},
    event::{Call, Event, perform_all},
    order::Possible,
};

/// The greatest number of steps of a sequential history.
const STEPS: usize = 40;
/// The number of concurrent clients, and the greatest number of steps that each takes.
const CLIENTS: usize = 3;
const STEPS_OF_A_CLIENT: usize = 3;

/// A store that runs a history, beside what the model knows of it.
struct Run<'a, S> {
    runtime: &'a Runtime,
    store: &'a S,
    client: Client,
    possible: Possible,
    history: Vec<Event>,
}

/// Why a history ended early.
enum Stop {
    /// The store has a result that the model does not allow.
    Wrong(String),
    /// The store was unavailable, as may happen on a busy machine. This decides nothing.
    Unavailable,
}

impl From<StoreError> for Stop {
    fn from(_: StoreError) -> Self {
        Self::Unavailable
    }
}

impl<'a, S: TokenStore + Clone> Run<'a, S> {
    fn new(runtime: &'a Runtime, store: &'a S) -> Self {
        let (client, possible) = (Client::new(), Possible::new());
        Self { runtime, store, client, possible, history: Vec::new() }
    }

    /// Performs the calls of each list in order, and the lists concurrently.
    fn perform(&mut self, lists: Vec<Vec<Call>>) -> Result<(), Stop> {
        let events = self.runtime.block_on(perform_all(self.store, &self.client, lists))?;
        self.history.extend(events.iter().cloned());
        if !self.possible.advance(&events) {
            let lines = self.history.iter().map(|event| format!("{event:?}\n"));
            let history = lines.collect::<String>();
            return Err(Stop::Wrong(format!("{history}before: {:#?}", self.possible)));
        }
        self.client.learn(&events);
        Ok(())
    }
}

/// Runs `check` on random inputs. At least half of the histories must come to their end.
fn check_all<T: Debug>(
    cases: u32,
    inputs: impl Strategy<Value = T>,
    check: impl Fn(T) -> Result<(), Stop>,
) {
    let rng_seed = RngSeed::Fixed(7);
    let config = Config { cases, rng_seed, failure_persistence: None, ..Config::default() };
    let complete = Cell::new(0);
    let result = TestRunner::new(config).run(&inputs, |input| match check(input) {
        Ok(()) => {
            complete.set(complete.get() + 1);
            Ok(())
        }
        Err(Stop::Unavailable) => Ok(()),
        Err(Stop::Wrong(history)) => Err(TestCaseError::fail(history)),
    });
    if let Err(error) = result {
        panic!("{error}");
    }
    assert!(
        complete.get() >= cases / 2,
        "{} of {cases} histories came to their end",
        complete.get()
    );
}

fn sequential_results_are_those_of_the_model<S: TokenStore + Clone>(
    runtime: &Runtime,
    store: &S,
    cases: u32,
) {
    check_all(cases, vec(step(), 1..STEPS), |steps| {
        let mut run = Run::new(runtime, store);
        for step in steps {
            for call in run.client.calls(&step) {
                run.perform(vec![vec![call]])?;
            }
        }
        Ok(())
    });
}

fn concurrent_results_are_those_of_some_order<S: TokenStore + Clone>(
    runtime: &Runtime,
    store: &S,
    cases: u32,
) {
    let clients = vec(vec(step(), 1..=STEPS_OF_A_CLIENT), CLIENTS);
    check_all(cases, (vec(step(), 0..8), clients), |(before, clients)| {
        let mut run = Run::new(runtime, store);
        for step in before {
            run.perform(vec![run.client.calls(&step)])?;
        }
        let lists = clients.iter().map(|steps| run.client.concurrent_calls(steps));
        run.perform(lists.collect())?;
        // What can be observed afterwards must fit as well.
        for step in run.client.observations() {
            run.perform(vec![run.client.calls(&step)])?;
        }
        Ok(())
    });
}
