//! Work in line, done by a few threads, one piece after another.
//!
//! A thread goes on with the next piece as soon as it is done with one. One that is woken for each
//! piece would be given a slice of a core each time, for which all else there has to wait: requests
//! beside a flood of logins took ten times as long.

use std::{
    collections::VecDeque,
    panic::{self, AssertUnwindSafe},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    thread,
};

use tokio::runtime::Handle;

use super::PasswordError;

/// Lets so many work at once, keeps so many in line, and turns the rest away.
pub(super) struct Line {
    max_threads: usize,
    max_waiting: usize,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// How many pieces are in line or under way.
    places: usize,
    /// How many threads work. Nothing waits while there could be another one.
    threads: usize,
    waiting: VecDeque<Piece>,
    last_number: u64,
}

struct Piece {
    number: u64,
    runtime: Handle,
    work: Box<dyn FnOnce() + Send>,
}

impl Line {
    pub(super) fn new(max_threads: usize, max_waiting: usize) -> Self {
        Self { max_threads, max_waiting, state: Mutex::default() }
    }

    /// Has `work` done on a blocking thread when its turn has come, first come, first served; unless
    /// what is returned is dropped before.
    pub(super) fn enter(
        self: &Arc<Self>,
        runtime: Handle,
        work: impl FnOnce(Place) + Send + 'static,
    ) -> Result<Waiting, PasswordError> {
        let mut state = self.state();
        if state.places == self.max_threads + self.max_waiting {
            return Err(PasswordError::overloaded());
        }
        state.places += 1;
        state.last_number += 1;
        let number = state.last_number;
        let place = Place(Arc::clone(self));
        let piece = Piece { number, runtime, work: Box::new(move || work(place)) };
        if state.threads < self.max_threads {
            state.threads += 1;
            drop(state);
            let (runtime, worker) = (piece.runtime.clone(), Worker::new(self, piece));
            runtime.spawn_blocking(move || worker.work());
        } else {
            state.waiting.push_back(piece);
        }
        Ok(Waiting { line: Arc::clone(self), number })
    }

    /// What a thread does next; with `None` it has ended.
    fn next(&self) -> Option<Piece> {
        let mut state = self.state();
        let next = state.waiting.pop_front();
        if next.is_none() {
            state.threads -= 1;
        }
        next
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A place in line or at work, until it is dropped.
pub(super) struct Place(Arc<Line>);

impl Drop for Place {
    fn drop(&mut self) {
        self.0.state().places -= 1;
    }
}

/// Somebody's interest in a piece of work, without which it is not begun.
pub(super) struct Waiting {
    line: Arc<Line>,
    number: u64,
}

impl Drop for Waiting {
    fn drop(&mut self) {
        let mut state = self.line.state();
        let at = state.waiting.binary_search_by_key(&self.number, |piece| piece.number);
        let unwanted = at.ok().and_then(|at| state.waiting.remove(at));
        // Its place needs the state to be given up.
        drop(state);
        drop(unwanted);
    }
}

/// One of the threads, or what will become one.
struct Worker {
    line: Arc<Line>,
    next: Option<Piece>,
}

impl Worker {
    fn new(line: &Arc<Line>, first: Piece) -> Self {
        Self { line: Arc::clone(line), next: Some(first) }
    }

    fn work(mut self) {
        while let Some(piece) = self.next.take() {
            // Who waits for it learns of a panic by the loss of the answer.
            panic::catch_unwind(AssertUnwindSafe(piece.work)).ok();
            self.next = self.line.next();
        }
    }
}

impl Drop for Worker {
    /// Where it never came to work, its runtime has ended; others' may go on.
    fn drop(&mut self) {
        if self.next.take().is_some()
            && let Some(piece) = self.line.next()
        {
            let worker = Self::new(&self.line, piece);
            thread::Builder::new().spawn(move || worker.work()).ok();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{sync::mpsc, time::Duration};

    use tokio::runtime::{Builder, Runtime};

    use super::*;

    type TestResult = Result<(), Box<dyn std::error::Error>>;

    /// A runtime whose one blocking thread does nothing until the sender is dropped.
    fn held() -> std::io::Result<(Runtime, mpsc::Sender<()>)> {
        let runtime = Builder::new_current_thread().max_blocking_threads(1).build()?;
        let (release, released) = mpsc::channel();
        runtime.spawn_blocking(move || released.recv());
        Ok((runtime, release))
    }

    #[test]
    fn a_thread_goes_on_with_what_waits() -> TestResult {
        let line = Arc::new(Line::new(1, 8));
        let (runtime, release) = held()?;
        let (done, doing) = mpsc::channel();
        let mut waiting = Vec::new();
        for number in 0..9 {
            let done = done.clone();
            waiting.push(line.enter(runtime.handle().clone(), move |_| {
                done.send(number).ok();
                assert_ne!(number, 4, "a panic ends nothing else");
            })?);
        }
        // Whatever asked for a thread of its own now would come after it.
        runtime.spawn_blocking(move || done.send(9));
        drop(release);
        assert!(doing.iter().eq(0..10));
        Ok(())
    }

    #[test]
    fn a_runtime_that_has_ended_holds_up_no_other() -> TestResult {
        let line = Arc::new(Line::new(1, 0));
        let (runtime, ended) = (Runtime::new()?, Runtime::new()?.handle().clone());
        let (done, doing) = mpsc::channel();
        for handle in [ended, runtime.handle().clone()] {
            let done = done.clone();
            let _waiting = line.enter(handle, move |_| {
                done.send(()).ok();
            })?;
        }
        drop(done);
        assert_eq!(doing.iter().count(), 1);
        Ok(())
    }

    /// Does something when it is dropped.
    struct OnDrop<F: FnMut()>(F);

    impl<F: FnMut()> Drop for OnDrop<F> {
        fn drop(&mut self) {
            self.0();
        }
    }

    #[test]
    fn what_waits_for_a_thread_that_never_comes_is_done_by_another() -> TestResult {
        let line = Arc::new(Line::new(1, 1));
        let (runtime, ended) = (Runtime::new()?, Runtime::new()?.handle().clone());
        let (done, doing) = mpsc::channel();
        let (entering, entered) = mpsc::channel();
        // Its thread is still counted when the piece that is not begun is dropped, so who enters now
        // waits for it.
        let (late, handle) = (Arc::clone(&line), runtime.handle().clone());
        let not_begun = OnDrop(move || {
            let done = done.clone();
            let work = move |_| {
                done.send(()).ok();
            };
            entering.send(late.enter(handle.clone(), work)).ok();
        });
        let _first = line.enter(ended, move |_| drop(not_begun))?;
        let _second = entered.try_recv()??;
        doing.recv_timeout(Duration::from_secs(60))?;
        Ok(())
    }
}
