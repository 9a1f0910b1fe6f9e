//! A bounded queue of jobs, which a few threads do one after another.
//!
//! A thread that finishes a job takes the next one itself. If each job woke a thread of its own, the
//! scheduler would give it a time slice, and all other threads would wait for that: requests during
//! a flood of logins took ten times as long.

use std::{
    collections::VecDeque,
    panic::{self, AssertUnwindSafe},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    thread,
};

use tokio::runtime::Handle;

use crate::metrics::{count, gauge_add};

use super::error::PasswordError;

/// Runs up to `max_threads` jobs at once, keeps up to `max_waiting`, and rejects the rest.
pub(super) struct Queue {
    max_threads: usize,
    max_waiting: usize,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// The number of jobs that wait or run.
    slots: usize,
    /// The number of threads. No job waits while there could be another thread.
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

    /// Does `work` on a blocking thread of `runtime`, after the jobs that were queued before. A job
    /// that waits is canceled when its ticket is dropped.
    pub(super) fn enter(
        self: &Arc<Self>,
        runtime: Handle,
        work: impl FnOnce(Slot) + Send + 'static,
    ) -> Result<Ticket, PasswordError> {
        let mut state = self.state();
        if state.slots == self.max_threads + self.max_waiting {
            count!("jwt_auth_password_overloads_total");
            return Err(PasswordError::overloaded());
        }
        state.slots += 1;
        state.last_number += 1;
        let number = state.last_number;
        gauge_add!("jwt_auth_password_jobs"; 1.0);
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

    /// The next job of a thread. With `None` the thread no longer counts.
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

/// Counts a job that waits or runs, until it is dropped.
pub(super) struct Slot(Arc<Queue>);

impl Drop for Slot {
    fn drop(&mut self) {
        self.0.state().slots -= 1;
        gauge_add!("jwt_auth_password_jobs"; -1.0);
    }
}

/// Cancels a job that waits when it is dropped.
pub(super) struct Ticket {
    queue: Arc<Queue>,
    number: u64,
}

impl Drop for Ticket {
    fn drop(&mut self) {
        let mut state = self.queue.state();
        let at = state.waiting.binary_search_by_key(&self.number, |job| job.number);
        let canceled = at.ok().and_then(|at| state.waiting.remove(at));
        // Dropping the job's slot locks the state.
        drop(state);
        drop(canceled);
    }
}

/// One of the threads, or the task that becomes one.
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
            // The caller notices a panic by the lost result.
            panic::catch_unwind(AssertUnwindSafe(job.work)).ok();
            self.next = self.queue.next();
        }
    }
}

impl Drop for Worker {
    /// If the first job never ran, its runtime has shut down. The jobs of other runtimes still run.
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

    /// A runtime whose only blocking thread is busy until the sender is dropped.
    fn busy_runtime() -> std::io::Result<(Runtime, mpsc::Sender<()>)> {
        let runtime = Builder::new_current_thread().max_blocking_threads(1).build()?;
        let (release, released) = mpsc::channel();
        runtime.spawn_blocking(move || released.recv());
        Ok((runtime, release))
    }

    #[test]
    fn a_thread_continues_with_waiting_jobs() -> TestResult {
        let queue = Arc::new(Queue::new(1, 8));
        let (runtime, release) = busy_runtime()?;
        let (done, doing) = mpsc::channel();
        let mut tickets = Vec::new();
        for number in 0..9 {
            let done = done.clone();
            tickets.push(queue.enter(runtime.handle().clone(), move |_| {
                done.send(number).ok();
                assert_ne!(number, 4, "a panic ends only its own job");
            })?);
        }
        // A job with a thread of its own would come after this one.
        runtime.spawn_blocking(move || done.send(9));
        drop(release);
        assert!(doing.iter().eq(0..10));
        Ok(())
    }

    #[test]
    fn jobs_of_a_shut_down_runtime_block_no_others() -> TestResult {
        let queue = Arc::new(Queue::new(1, 0));
        let (runtime, shut_down) = (Runtime::new()?, Runtime::new()?.handle().clone());
        let (done, doing) = mpsc::channel();
        for handle in [shut_down, runtime.handle().clone()] {
            let done = done.clone();
            let _ticket = queue.enter(handle, move |_| {
                done.send(()).ok();
            })?;
        }
        drop(done);
        assert_eq!(doing.iter().count(), 1);
        Ok(())
    }

    /// Calls a function when it is dropped.
    struct OnDrop<F: FnMut()>(F);

    impl<F: FnMut()> Drop for OnDrop<F> {
        fn drop(&mut self) {
            self.0();
        }
    }

    #[test]
    fn a_new_thread_does_jobs_that_wait_for_a_thread_that_never_starts() -> TestResult {
        let queue = Arc::new(Queue::new(1, 1));
        let (runtime, shut_down) = (Runtime::new()?, Runtime::new()?.handle().clone());
        let (done, doing) = mpsc::channel();
        let (entering, entered) = mpsc::channel();
        // When the first job is dropped, its thread still counts. A job that enters now waits.
        let (late, handle) = (Arc::clone(&queue), runtime.handle().clone());
        let not_started = OnDrop(move || {
            let done = done.clone();
            let work = move |_| {
                done.send(()).ok();
            };
            entering.send(late.enter(handle.clone(), work)).ok();
        });
        let _first = queue.enter(shut_down, move |_| drop(not_started))?;
        let _second = entered.try_recv()??;
        doing.recv_timeout(Duration::from_secs(60))?;
        Ok(())
    }
}
