//! The current keys, and the fetches that renew them.

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
    metrics::{count, gauge},
    token::Keys,
    trace::{debug, warn},
};

use super::{
    error::{FetchError, FetchErrorKind},
    fetch::{DocumentVersion, Fetched, KeyFetcher},
    policy::{Policy, has_passed, remaining},
    published::PublishedKeys,
};

/// The longest sleep of the background task. A clock that is moved is noticed after this time.
const MAX_SLEEP: Duration = Duration::from_secs(1);
const MIN_SLEEP: Duration = Duration::from_millis(100);

/// The state that all handles and the background tasks share.
pub(super) struct Refresher {
    pub(super) fetcher: KeyFetcher,
    policy: Policy,
    clock: Clock,
    pub(super) keys: Arc<ArcSwap<Keys>>,
    /// The second from which the keys are too old to use; 0 before the first successful fetch.
    usable_until: AtomicU64,
    state: Mutex<RefreshState>,
}

#[derive(Default)]
struct RefreshState {
    running: Option<RunningFetch>,
    background: Option<AbortHandle>,
    /// The end of the last fetch that a token caused, unless it brought the first keys.
    cooling_since: Option<NumericDate>,
    /// When the next fetch in the background was scheduled, and how long after that it is due.
    due: (NumericDate, Duration),
    /// The number of failed fetches since the last successful one.
    failures: u32,
    last: Option<LastFetch>,
    /// Why the last fetch failed, if it did.
    last_error: Option<FetchError>,
    /// The keys of the last successful fetch.
    published: PublishedKeys,
    /// When the next of these keys becomes valid or ceases to be valid.
    next_change: Option<NumericDate>,
    /// The last document whose unusable keys were logged.
    logged: Option<DocumentVersion>,
}

/// The last successful fetch.
#[derive(Clone)]
pub(super) struct LastFetch {
    pub(super) at: NumericDate,
    pub(super) keys: usize,
    pub(super) skipped: usize,
    version: DocumentVersion,
}

/// What causes a fetch.
#[derive(Clone, Copy)]
pub(super) enum Trigger<'a> {
    /// A token that none of the keys `seen` verifies.
    Token { seen: &'a Arc<Keys> },
    /// A call of [`RemoteKeys::refresh`](super::RemoteKeys::refresh).
    Application,
    /// The background task.
    Schedule,
}

struct RunningFetch {
    outcome: SharedOutcome,
    task: AbortHandle,
}

/// The outcome of a fetch, for every caller that waits for it.
pub(super) type SharedOutcome = Shared<BoxFuture<'static, Result<(), FetchError>>>;

impl Refresher {
    pub(super) fn new(fetcher: KeyFetcher, policy: Policy, clock: Clock) -> Self {
        Self {
            fetcher,
            policy,
            clock,
            keys: Arc::new(ArcSwap::from_pointee(Keys::of_verifying(Vec::new()))),
            usable_until: AtomicU64::new(0),
            state: Mutex::default(),
        }
    }

    pub(super) fn is_usable(&self) -> bool {
        self.clock.now().as_secs() < self.usable_until.load(Ordering::SeqCst)
    }

    /// The last successful fetch, and the time since then.
    pub(super) fn last_fetch(&self) -> Option<(LastFetch, Duration)> {
        let last = self.state().last.clone()?;
        let age = self.clock.now().saturating_duration_since(last.at);
        Some((last, age))
    }

    /// Why the last fetch failed, if it did.
    pub(super) fn last_error(&self) -> Option<FetchError> {
        self.state().last_error.clone()
    }

    /// The time until the next fetch in the background.
    pub(super) fn due_in(&self) -> Duration {
        let (since, wait) = self.state().due;
        remaining(self.clock.now(), since, wait)
    }

    /// Begins a fetch, or joins the one in progress. Returns `None` if it is too early for another
    /// fetch, and outside of a Tokio runtime.
    pub(super) fn begin(self: &Arc<Self>, trigger: Trigger<'_>) -> Option<SharedOutcome> {
        let runtime = Handle::try_current().ok()?;
        let mut state = self.state();
        let now = self.clock.now();
        match trigger {
            // The keys have changed since the token was checked against them.
            Trigger::Token { seen } if !Arc::ptr_eq(seen, &self.keys.load()) => {
                return Some(ready(Ok(())).boxed().shared());
            }
            Trigger::Token { .. } => {
                let cooldown = self.policy.cooldown;
                if state.cooling_since.is_some_and(|since| !has_passed(now, since, cooldown)) {
                    return None;
                }
            }
            Trigger::Schedule => {
                let (since, wait) = state.due;
                if !has_passed(now, since, wait) {
                    return None;
                }
            }
            Trigger::Application => {}
        }
        self.start_in(&runtime, &mut state);
        if let Some(running) = state.running.as_ref().filter(|fetch| !fetch.task.is_finished()) {
            return Some(running.outcome.clone());
        }
        // A task of its own: a caller that is dropped must not end the fetch for the others.
        let for_token = matches!(trigger, Trigger::Token { .. });
        let task = runtime.spawn(Arc::clone(self).fetch(for_token));
        let running = RunningFetch { task: task.abort_handle(), outcome: shared_outcome(task) };
        Some(state.running.insert(running).outcome.clone())
    }

    /// Starts the background task in the current Tokio runtime, if there is one.
    pub(super) fn start(self: &Arc<Self>) {
        if let Ok(runtime) = Handle::try_current() {
            self.start_in(&runtime, &mut self.state());
        }
    }

    /// Aborts the tasks.
    pub(super) fn stop(&self) {
        let state = self.state();
        let running = state.running.as_ref().map(|running| &running.task);
        for task in running.into_iter().chain(&state.background) {
            task.abort();
        }
    }

    fn start_in(self: &Arc<Self>, runtime: &Handle, state: &mut RefreshState) {
        // The task ends with its runtime, and another runtime may use the keys after that.
        if state.background.as_ref().is_none_or(AbortHandle::is_finished) {
            let task = runtime.spawn(Arc::clone(self).refresh_on_schedule());
            state.background = Some(task.abort_handle());
        }
    }

    async fn refresh_on_schedule(self: Arc<Self>) {
        loop {
            if let Some(outcome) = self.begin(Trigger::Schedule) {
                // The fetch has logged its failure and scheduled the next attempt.
                outcome.await.ok();
            }
            self.follow_validity(self.clock.now(), &mut self.state());
            self.report_age();
            sleep(self.due_in().clamp(MIN_SLEEP, MAX_SLEEP)).await;
        }
    }

    fn report_age(&self) {
        if let Some((_, age)) = self.last_fetch() {
            let server = self.fetcher.location.authority();
            gauge!("jwt_auth_keys_age_seconds", "server" => server.to_owned(); age.as_secs_f64());
        }
    }

    async fn fetch(self: Arc<Self>, for_token: bool) -> Result<(), FetchError> {
        let was_usable = self.is_usable();
        let known = self.state().last.as_ref().map(|last| last.version.clone());
        let fetched = self.fetcher.fetch(known, self.policy.timeout).await;
        let now = self.clock.now();
        let mut state = self.state();
        // Keys may have been published since this fetch began: later callers start a new fetch
        // instead of joining this one.
        state.running = None;
        let outcome = fetched.and_then(|fetched| {
            let refresh_after = self.policy.refresh_after(&fetched.headers);
            self.apply(fetched, now, &mut state)?;
            Ok(refresh_after)
        });
        // The first keys start no cooldown, because the issuer may be starting up as well.
        if for_token && (was_usable || outcome.is_err()) {
            state.cooling_since = Some(now);
        }
        state.last_error = outcome.as_ref().err().cloned();
        let label = outcome.as_ref().err().map_or("ok", |error| error.kind().label());
        // A token may name any issuer that a resolver allows, and each label is kept forever. So a
        // server has one only after it has served keys.
        let server = match &state.last {
            Some(_) => self.fetcher.location.authority(),
            None => "unconfirmed",
        };
        count!("jwt_auth_key_fetches_total", "server" => server.to_owned(), "outcome" => label);
        match outcome {
            Ok(refresh_after) => {
                state.due = (now, refresh_after);
                state.failures = 0;
                Ok(())
            }
            Err(error) => {
                warn!(
                    server = self.fetcher.location.authority(),
                    reason = %crate::error::Causes(&error),
                    "fetching the keys failed"
                );
                let (since, wait) = state.due;
                if has_passed(now, since, wait) {
                    state.failures = state.failures.saturating_add(1);
                    state.due = (now, self.policy.retry_after(state.failures, was_usable));
                }
                Err(error)
            }
        }
    }

    /// Puts the keys of a fetch into use. Fails if none of them is usable, and keeps the current
    /// keys then.
    fn apply(
        &self,
        fetched: Fetched,
        now: NumericDate,
        state: &mut RefreshState,
    ) -> Result<(), FetchError> {
        let Fetched { version, keys: published, .. } = fetched;
        let is_new = published.is_some();
        let current = published.as_ref().unwrap_or(&state.published);
        if !state.logged.as_ref().is_some_and(|logged| logged.has_same_content(&version)) {
            self.log_unusable(current, now);
            state.logged = Some(version.clone());
        }
        let keys = current.valid_at(now);
        if keys.is_empty() {
            return Err(FetchErrorKind::NoUsableKeys.into());
        }
        if let Some(published) = published {
            debug!(
                server = self.fetcher.location.authority(),
                keys = keys.len(),
                skipped = published.len() - keys.len(),
                "the keys have changed"
            );
            state.published = published;
        } else {
            debug!(server = self.fetcher.location.authority(), "the keys have not changed");
        }
        let (count, skipped) = (keys.len(), state.published.len() - keys.len());
        // The cache of verified tokens is valid for one value only.
        if is_new || state.next_change.is_some_and(|change| now >= change) {
            self.keys.store(Arc::new(Keys::of_verifying(keys)));
        }
        state.next_change = state.published.next_change(now);
        state.last = Some(LastFetch { at: now, keys: count, skipped, version });
        let until = now.saturating_add(self.policy.max_stale);
        self.usable_until.store(until.as_secs(), Ordering::SeqCst);
        Ok(())
    }

    /// Removes keys whose certificates have expired, and adds those whose certificates have become
    /// valid.
    fn follow_validity(&self, now: NumericDate, state: &mut RefreshState) {
        if state.next_change.is_none_or(|change| now < change) {
            return;
        }
        let keys = state.published.valid_at(now);
        if let Some(last) = &mut state.last {
            (last.keys, last.skipped) = (keys.len(), state.published.len() - keys.len());
        }
        state.next_change = state.published.next_change(now);
        if keys.is_empty() {
            self.usable_until.store(0, Ordering::SeqCst);
        }
        debug!(
            server = self.fetcher.location.authority(),
            keys = keys.len(),
            "the validity of certificates has changed the keys"
        );
        self.keys.store(Arc::new(Keys::of_verifying(keys)));
    }

    /// Logs why keys are not used, without their content.
    #[cfg_attr(not(feature = "tracing"), expect(unused_variables, reason = "nothing is logged"))]
    fn log_unusable(&self, published: &PublishedKeys, now: NumericDate) {
        let server = self.fetcher.location.authority();
        match published.describe_unusable(now) {
            Some((reasons, true)) => warn!(server, reasons, "some of the keys cannot be used"),
            Some((reasons, false)) => debug!(server, reasons, "some of the keys are not used"),
            None => {}
        }
    }

    fn state(&self) -> MutexGuard<'_, RefreshState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn shared_outcome(task: JoinHandle<Result<(), FetchError>>) -> SharedOutcome {
    task.map(|ended| ended.unwrap_or_else(|_| Err(FetchErrorKind::Abandoned.into())))
        .boxed()
        .shared()
}
