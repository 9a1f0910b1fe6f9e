//! Work in queue, done by a few threads, one job after another.
//!
//! A thread goes on with the next job as soon as it is done with one. One that is woken for each
//! job would be given a slice of a core each time, for which all else there has to wait: requests
//! beside a flood of logins took ten times as long.

use std::{
    collections::VecDeque,
    panic::{self, AssertUnwindSafe},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    thread,
};

use tokio::runtime::Handle;

use super::error::PasswordError;

/// Lets so many work at once, keeps so many in queue, and turns the rest away.
pub(super) struct Queue {
    max_threads: usize,
    max_waiting: usize,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// How many pieces are in line or under way.
    slots: usize,
    /// How many threads work. Nothing waits while there could be another one.
    threads: usize,
    waiting: VecDeque<Job>,
    last_number: u64,
}

struct Job {
    number: u64,
    runtime: Handle,
    work: Box<dyn FnOnce() + Send>,
}

impl Queue {
    pub(super) fn new(max_threads: usize, max_waiting: usize) -> Self {
        Self { max_threads, max_waiting, state: Mutex::default() }
    }

    /// Has `work` done on a blocking thread when its turn has come, first come, first served; unless
    /// what is returned is dropped before.
    pub(super) fn enter(
        self: &Arc<Self>,
        runtime: Handle,
        work: impl FnOnce(Slot) + Send + 'static,
    ) -> Result<Ticket, PasswordError> {
        let mut state = self.state();
        if state.slots == self.max_threads + self.max_waiting {
            return Err(PasswordError::overloaded());
        }
        state.slots += 1;
        state.last_number += 1;
        let number = state.last_number;
        let slot = Slot(Arc::clone(self));
        let job = Job { number, runtime, work: Box::new(move || work(slot)) };
        if state.threads < self.max_threads {
            state.threads += 1;
            drop(state);
            let (runtime, worker) = (job.runtime.clone(), Worker::new(self, job));
            runtime.spawn_blocking(move || worker.work());
        } else {
            state.waiting.push_back(job);
        }
        Ok(Ticket { queue: Arc::clone(self), number })
    }

    /// What a thread does next; with `None` it has ended.
    fn next(&self) -> Option<Job> {
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

/// A slot in line or at work, until it is dropped.
pub(super) struct Slot(Arc<Queue>);

impl Drop for Slot {
    fn drop(&mut self) {
        self.0.state().slots -= 1;
    }
}

/// Somebody's interest in a job of work, without which it is not begun.
pub(super) struct Ticket {
    queue: Arc<Queue>,
    number: u64,
}

impl Drop for Ticket {
    fn drop(&mut self) {
        let mut state = self.queue.state();
        let at = state.waiting.binary_search_by_key(&self.number, |job| job.number);
        let unwanted = at.ok().and_then(|at| state.waiting.remove(at));
        // Its slot needs the state to be given up.
        drop(state);
        drop(unwanted);
    }
}

/// One of the threads, or what will become one.
struct Worker {
    queue: Arc<Queue>,
    next: Option<Job>,
}

impl Worker {
    fn new(queue: &Arc<Queue>, first: Job) -> Self {
        Self { queue: Arc::clone(queue), next: Some(first) }
    }

    fn work(mut self) {
        while let Some(job) = self.next.take() {
            // Who waits for it learns of a panic by the loss of the answer.
            panic::catch_unwind(AssertUnwindSafe(job.work)).ok();
            self.next = self.queue.next();
        }
    }
}

impl Drop for Worker {
    /// Where it never came to work, its runtime has ended; others' may go on.
    fn drop(&mut self) {
        if self.next.take().is_some()
            && let Some(job) = self.queue.next()
        {
            let worker = Self::new(&self.queue, job);
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
        let queue = Arc::new(Queue::new(1, 8));
        let (runtime, release) = held()?;
        let (done, doing) = mpsc::channel();
        let mut waiting = Vec::new();
        for number in 0..9 {
            let done = done.clone();
            waiting.push(queue.enter(runtime.handle().clone(), move |_| {
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
        let queue = Arc::new(Queue::new(1, 0));
        let (runtime, ended) = (Runtime::new()?, Runtime::new()?.handle().clone());
        let (done, doing) = mpsc::channel();
        for handle in [ended, runtime.handle().clone()] {
            let done = done.clone();
            let _waiting = queue.enter(handle, move |_| {
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
        let queue = Arc::new(Queue::new(1, 1));
        let (runtime, ended) = (Runtime::new()?, Runtime::new()?.handle().clone());
        let (done, doing) = mpsc::channel();
        let (entering, entered) = mpsc::channel();
        // Its thread is still counted when the job that is not begun is dropped, so who enters now
        // waits for it.
        let (late, handle) = (Arc::clone(&queue), runtime.handle().clone());
        let not_begun = OnDrop(move || {
            let done = done.clone();
            let work = move |_| {
                done.send(()).ok();
            };
            entering.send(late.enter(handle.clone(), work)).ok();
        });
        let _first = queue.enter(ended, move |_| drop(not_begun))?;
        let _second = entered.try_recv()??;
        doing.recv_timeout(Duration::from_secs(60))?;
        Ok(())
    }
}
