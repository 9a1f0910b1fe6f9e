//! The keys at hand, and the one fetch that may be under way.

use std::{
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use arc_swap::ArcSwap;
use futures::{
    FutureExt,
    future::{BoxFuture, Shared, ready},
};
use tokio::{
    runtime::Handle,
    task::{AbortHandle, JoinHandle},
    time::sleep,
};

use crate::{
    clock::{Clock, NumericDate},
    token::Keys,
    trace::{debug, warn},
};

use super::{
    document::JwkSet,
    error::{FetchError, FetchErrorKind},
    fetch::{Fetched, Origin, Version},
    policy::{Policy, has_passed, remaining},
};

/// How long a clock that was moved may go unnoticed.
const TICK: Duration = Duration::from_secs(1);
const SHORTEST_PAUSE: Duration = Duration::from_millis(100);

/// What all handles and the tasks share.
pub(super) struct Core {
    pub(super) origin: Origin,
    policy: Policy,
    clock: Clock,
    pub(super) keys: Arc<ArcSwap<Keys>>,
    /// The second from which the keys are too old; 0 before the first good fetch.
    usable_until: AtomicU64,
    memory: Mutex<Memory>,
}

#[derive(Default)]
struct Memory {
    flight: Option<Flight>,
    background: Option<AbortHandle>,
    /// When the last fetch ended that a token had asked for, unless it brought the first keys.
    cooling_since: Option<NumericDate>,
    /// When the next refresh was settled, and how long after that it is due.
    due: (NumericDate, Duration),
    failures: u32,
    last: Option<Good>,
}

/// The last good fetch.
#[derive(Clone)]
pub(super) struct Good {
    pub(super) at: NumericDate,
    pub(super) keys: usize,
    pub(super) skipped: usize,
    version: Version,
}

/// Who wants keys.
#[derive(Clone, Copy)]
pub(super) enum Reason<'a> {
    /// A token that fits none of these.
    Token(&'a Arc<Keys>),
    /// The application.
    Refresh,
    /// The background task, once it is time.
    Due,
}

struct Flight {
    landing: Landing,
    task: AbortHandle,
}

/// The end of a fetch, for all who wait for it.
pub(super) type Landing = Shared<BoxFuture<'static, Result<(), FetchError>>>;

impl Core {
    pub(super) fn new(origin: Origin, policy: Policy, clock: Clock) -> Self {
        Self {
            origin,
            policy,
            clock,
            keys: Arc::new(ArcSwap::from_pointee(Keys::of_verifying(Vec::new()))),
            usable_until: AtomicU64::new(0),
            memory: Mutex::default(),
        }
    }

    pub(super) fn is_usable(&self) -> bool {
        self.clock.now().as_secs() < self.usable_until.load(Ordering::SeqCst)
    }

    /// The last good fetch, and how long ago it was.
    pub(super) fn last_good(&self) -> Option<(Good, Duration)> {
        let good = self.memory().last.clone()?;
        let age = self.clock.now().saturating_duration_since(good.at);
        Some((good, age))
    }

    /// How long until the next fetch in the background.
    pub(super) fn due_in(&self) -> Duration {
        let (since, wait) = self.memory().due;
        remaining(self.clock.now(), since, wait)
    }

    /// Begins a fetch or joins the one under way; `None` while it is too early for another one, and
    /// outside of a Tokio runtime.
    pub(super) fn begin(self: &Arc<Self>, reason: Reason<'_>) -> Option<Landing> {
        let runtime = Handle::try_current().ok()?;
        let mut memory = self.memory();
        let now = self.clock.now();
        if let Reason::Token(seen) = reason {
            if !Arc::ptr_eq(seen, &self.keys.load()) {
                // Another fetch has ended since, and may have brought what is wanted.
                return Some(ready(Ok(())).boxed().shared());
            }
            let cooling_since = memory.cooling_since;
            if cooling_since.is_some_and(|since| !has_passed(now, since, self.policy.cooldown)) {
                return None;
            }
        }
        let (since, wait) = memory.due;
        if matches!(reason, Reason::Due) && !has_passed(now, since, wait) {
            return None;
        }
        self.keep_fresh_in(&runtime, &mut memory);
        if let Some(flight) = memory.flight.as_ref().filter(|flight| !flight.task.is_finished()) {
            return Some(flight.landing.clone());
        }
        // A task of its own, so that nobody's going away ends the fetch for the others.
        let task = runtime.spawn(Arc::clone(self).fly(matches!(reason, Reason::Token(_))));
        let flight = Flight { task: task.abort_handle(), landing: landing(task) };
        Some(memory.flight.insert(flight).landing.clone())
    }

    /// Starts the task that keeps the keys fresh, unless there is one.
    pub(super) fn start(self: &Arc<Self>) {
        if let Ok(runtime) = Handle::try_current() {
            self.keep_fresh_in(&runtime, &mut self.memory());
        }
    }

    /// Ends the tasks.
    pub(super) fn stop(&self) {
        let memory = self.memory();
        let flight = memory.flight.as_ref().map(|flight| &flight.task);
        for task in flight.into_iter().chain(&memory.background) {
            task.abort();
        }
    }

    fn keep_fresh_in(self: &Arc<Self>, runtime: &Handle, memory: &mut Memory) {
        // A runtime takes its tasks with it when it ends.
        if memory.background.as_ref().is_none_or(AbortHandle::is_finished) {
            let task = runtime.spawn(Arc::clone(self).keep_fresh());
            memory.background = Some(task.abort_handle());
        }
    }

    async fn keep_fresh(self: Arc<Self>) {
        loop {
            if let Some(landing) = self.begin(Reason::Due) {
                // Whether it was good decides when the next one is due.
                landing.await.ok();
            }
            sleep(self.due_in().clamp(SHORTEST_PAUSE, TICK)).await;
        }
    }

    async fn fly(self: Arc<Self>, for_token: bool) -> Result<(), FetchError> {
        let is_usable = self.is_usable();
        let known = self.memory().last.as_ref().map(|good| good.version.clone());
        let fetched = self.origin.fetch(known, self.policy.timeout).await;
        let now = self.clock.now();
        let mut memory = self.memory();
        // Whoever comes from now on may want what has been published since.
        memory.flight = None;
        // Who has just begun need not have seen all keys yet.
        if for_token && (is_usable || fetched.is_err()) {
            memory.cooling_since = Some(now);
        }
        match fetched {
            Ok(fetched) => {
                memory.due = (now, self.policy.refresh_after(&fetched.headers));
                memory.failures = 0;
                self.take(fetched, now, &mut memory);
                Ok(())
            }
            Err(error) => {
                warn!(from = self.origin.location.host(), reason = %error, "no keys fetched");
                let (since, wait) = memory.due;
                if has_passed(now, since, wait) {
                    memory.failures = memory.failures.saturating_add(1);
                    memory.due = (now, self.policy.retry_after(memory.failures, is_usable));
                }
                Err(error)
            }
        }
    }

    fn take(&self, fetched: Fetched, now: NumericDate, memory: &mut Memory) {
        let Fetched { version, set, .. } = fetched;
        if let Some(JwkSet { keys: all, skipped }) = set {
            let keys = all.len();
            debug!(from = self.origin.location.host(), keys, skipped, "the keys have changed");
            self.keys.store(Arc::new(Keys::of_verifying(all)));
            memory.last = Some(Good { at: now, keys, skipped, version });
        } else if let Some(last) = &mut memory.last {
            debug!(from = self.origin.location.host(), "the keys have not changed");
            (last.at, last.version) = (now, version);
        }
        let until = now.saturating_add(self.policy.max_stale);
        self.usable_until.store(until.as_secs(), Ordering::SeqCst);
    }

    fn memory(&self) -> MutexGuard<'_, Memory> {
        self.memory.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn landing(task: JoinHandle<Result<(), FetchError>>) -> Landing {
    task.map(|ended| ended.unwrap_or_else(|_| Err(FetchErrorKind::Abandoned.into())))
        .boxed()
        .shared()
}
