//! What clients know about each session, and the rules that follow from it.

use std::{
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use super::report::print_durations;

pub(super) const ACCESS_LIFETIME: Duration = Duration::from_secs(30);
/// How long a spent refresh token returns the same successor.
pub(super) const GRACE: Duration = Duration::from_secs(10);
/// How long a token may be accepted after its session has ended.
pub(super) const BOUND: Duration = Duration::from_secs(1);
/// How many ended sessions are kept.
const MAX_ENDED: usize = 5_000;
const PROGRESS: Duration = Duration::from_secs(30);

/// A session as its client knows it.
pub(super) struct Session {
    pub(super) user: &'static str,
    pub(super) access: String,
    pub(super) refresh: String,
    /// When the request that returned `access` was sent.
    pub(super) access_since: Instant,
    /// When the login was sent, and when its response arrived.
    pub(super) login: (Instant, Instant),
    /// When the first refresh with `refresh` was sent, if there was no response.
    pub(super) unanswered: Option<Instant>,
}

/// A session that has ended.
#[derive(Clone)]
pub(super) struct Ended {
    pub(super) access: String,
    pub(super) refresh: String,
    /// Until then, only the end of the session makes the access token invalid.
    pub(super) access_until: Instant,
    /// When the client learned of it.
    pub(super) since: Instant,
}

/// A logout of all sessions of a user.
struct LogoutAll {
    user: &'static str,
    /// When the attempt that succeeded was sent. `None` if it is unknown whether one did.
    sent: Option<Instant>,
    /// When its response arrived. `None` while attempts are made.
    done: Option<Instant>,
}

#[derive(Default)]
struct State {
    logouts: Vec<LogoutAll>,
    ended: Vec<Ended>,
    survivors: Vec<Session>,
    violations: Vec<String>,
    /// Of protected requests without a fault.
    durations: Vec<Duration>,
    faults: Vec<&'static str>,
}

/// What is counted.
#[derive(Clone, Copy)]
pub(super) enum Count {
    Login,
    Protected,
    Refresh,
    SameSuccessor,
    Logout,
    LogoutEverywhere,
    EndedTried,
    Unavailable,
    NoResponse,
    LostInFlight,
}

const NAMES: [&str; 10] = [
    "logins",
    "protected requests accepted",
    "refreshes",
    "concurrent refreshes with the same successor",
    "logouts",
    "logouts everywhere",
    "requests with tokens of ended sessions, rejected",
    "responses with 503",
    "requests without a response",
    "sessions lost because a refresh had no response",
];

pub(super) struct Model {
    state: Mutex<State>,
    counts: [AtomicU64; NAMES.len()],
    is_stopped: AtomicBool,
    has_fault: AtomicBool,
}

impl Model {
    pub(super) fn new() -> Self {
        Self {
            state: Mutex::default(),
            counts: Default::default(),
            is_stopped: AtomicBool::new(false),
            has_fault: AtomicBool::new(false),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn stop(&self) {
        self.is_stopped.store(true, Ordering::Relaxed);
    }

    pub(super) fn is_stopped(&self) -> bool {
        self.is_stopped.load(Ordering::Relaxed)
    }

    pub(super) fn count(&self, what: Count) {
        self.counts[what as usize].fetch_add(1, Ordering::Relaxed);
    }

    /// Runs `fault`. Durations of requests are not recorded until the copies have recovered.
    pub(super) fn during_fault<T>(&self, name: &'static str, fault: impl FnOnce() -> T) -> T {
        println!("fault: {name}");
        self.state().faults.push(name);
        self.has_fault.store(true, Ordering::Relaxed);
        let result = fault();
        thread::sleep(Duration::from_secs(3));
        self.has_fault.store(false, Ordering::Relaxed);
        result
    }

    pub(super) fn record(&self, duration: Duration) {
        if !self.has_fault.load(Ordering::Relaxed) {
            self.state().durations.push(duration);
        }
    }

    pub(super) fn violation(&self, what: impl Into<String>) {
        let what = what.into();
        println!("VIOLATION: {what}");
        self.state().violations.push(what);
    }

    pub(super) fn violations(&self) -> usize {
        self.state().violations.len()
    }

    /// Begins a logout of all sessions of `user`. Returns its number.
    pub(super) fn begin_logout_all(&self, user: &'static str) -> usize {
        let logouts = &mut self.state().logouts;
        logouts.push(LogoutAll { user, sent: None, done: None });
        logouts.len() - 1
    }

    /// Ends it. `sent` is when the attempt that succeeded was sent, if one is known to have.
    pub(super) fn end_logout_all(&self, number: usize, sent: Option<Instant>) {
        let logout = &mut self.state().logouts[number];
        (logout.sent, logout.done) = (sent, Some(Instant::now()));
    }

    /// Whether a logout of all sessions of its user may have ended `session`.
    pub(super) fn may_be_ended(&self, session: &Session) -> bool {
        let (login_sent, _) = session.login;
        let mut logouts = self.state();
        let logouts = logouts.logouts.iter_mut().filter(|logout| logout.user == session.user);
        logouts.into_iter().any(|logout| logout.done.is_none_or(|done| done > login_sent))
    }

    /// Whether a request with a token of `session` that was sent at `sent` must be rejected.
    pub(super) fn must_be_rejected(&self, session: &Session, sent: Instant) -> bool {
        let (_, login_done) = session.login;
        self.state().logouts.iter().filter(|logout| logout.user == session.user).any(|logout| {
            logout.sent.is_some_and(|logout_sent| login_done < logout_sent)
                && logout.done.is_some_and(|done| done + BOUND < sent)
        })
    }

    pub(super) fn end(&self, session: Session) {
        let Session { access, refresh, access_since, .. } = session;
        let access_until = access_since + ACCESS_LIFETIME;
        let ended = Ended { access, refresh, access_until, since: Instant::now() };
        let all = &mut self.state().ended;
        if all.len() == MAX_ENDED {
            all.swap_remove(0);
        }
        all.push(ended);
    }

    /// The ended session with the number `number` of those that must be rejected by now.
    pub(super) fn ended(&self, number: usize) -> Option<Ended> {
        let state = self.state();
        let ended = state.ended.get(number % state.ended.len().max(1))?;
        (ended.since + BOUND < Instant::now()).then(|| ended.clone())
    }

    pub(super) fn all_ended(&self) -> Vec<Ended> {
        self.state().ended.clone()
    }

    pub(super) fn survive(&self, session: Session) {
        self.state().survivors.push(session);
    }

    pub(super) fn take_survivors(&self) -> Vec<Session> {
        std::mem::take(&mut self.state().survivors)
    }

    pub(super) fn print_progress(&self, began: Instant) {
        let mut next = began + PROGRESS;
        while !self.is_stopped() {
            thread::sleep(Duration::from_millis(100));
            if Instant::now() > next {
                next += PROGRESS;
                let accepted = self.counts[Count::Protected as usize].load(Ordering::Relaxed);
                println!("{:>4} s: {accepted} requests accepted", began.elapsed().as_secs());
            }
        }
    }

    pub(super) fn print_summary(&self) {
        println!();
        for (name, count) in NAMES.iter().zip(&self.counts) {
            println!("{:>10} {name}", count.load(Ordering::Relaxed));
        }
        let mut state = self.state();
        println!("{:>10} faults", state.faults.len());
        println!("{:>10} violations", state.violations.len());
        print_durations(&mut state.durations);
    }
}
