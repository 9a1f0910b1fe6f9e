//! Issuers that are known only at run time.

use std::{
    collections::HashMap,
    error::Error,
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
    time::{Duration, Instant},
};

use futures::{
    FutureExt,
    future::{BoxFuture, Shared, ready},
};
use quick_cache::sync::Cache;
use serde::de::DeserializeOwned;
use tokio::{
    runtime::Handle,
    task::AbortHandle,
    time::{sleep, timeout},
};

use crate::{
    clock::{Clock, NumericDate},
    error::{AuthError, AuthErrorKind, ErrorDetails},
    token::{CacheStats, Found, SharedVerifier, Verifier, VerifierSource},
    trace::{debug, warn},
};

/// How many issuers without a verifier are remembered.
const MAX_REJECTED: usize = 1024;
/// The longest pause after a failure of the application's resolver.
const MAX_FAILURE_PAUSE: Duration = Duration::from_secs(5);
/// How long a verifier is kept that has not accepted a token.
const CONFIRMATION_TIME: Duration = Duration::from_secs(30);

type BoxError = Box<dyn Error + Send + Sync>;
/// The application's rule for issuers.
pub(super) type Allows = Box<dyn Fn(&str) -> bool + Send + Sync>;
/// The application's resolver.
pub(super) type Resolve<C> = Box<dyn Fn(String) -> Resolving<C> + Send + Sync>;
type Resolving<C> = BoxFuture<'static, Result<Option<Verifier<C>>, BoxError>>;

/// The settings of a [`Resolver`].
pub(super) struct Limits {
    pub(super) issuers: usize,
    pub(super) unconfirmed: usize,
    pub(super) timeout: Duration,
    pub(super) retry_after: Duration,
    pub(super) token_len: usize,
    /// Whether each verifier must have an audience.
    pub(super) requires_audience: bool,
}

/// Makes the verifiers of issuers when they are needed.
///
/// A verifier is confirmed by the first token that it accepts. Only confirmed ones compete for the
/// space of the cache, so an attacker who names many issuers displaces none of them.
pub(super) struct Resolver<C> {
    allows: Allows,
    resolve: Resolve<C>,
    limits: Limits,
    clock: Clock,
    confirmed: Cache<Box<str>, SharedVerifier<C>>,
    rejected: Cache<Box<str>, Rejection>,
    unconfirmed: Mutex<HashMap<Box<str>, Unconfirmed<C>>>,
}

/// Why an issuer has no verifier.
#[derive(Clone)]
struct Rejection {
    error: AuthError,
    until: NumericDate,
}

enum Unconfirmed<C> {
    Pending { outcome: Shared<BoxFuture<'static, ()>>, task: AbortHandle },
    Ready(Candidate<C>),
}

/// A verifier that has not accepted a token yet.
struct Candidate<C> {
    verifier: SharedVerifier<C>,
    since: Instant,
    /// Each caller that fetches keys for the verifier has a clone.
    fetching: Arc<()>,
    /// The task that drops the verifier.
    expiry: AbortHandle,
}

impl<C> Candidate<C> {
    fn is_fetching(&self) -> bool {
        Arc::strong_count(&self.fetching) > 1
    }
}

impl<C> Drop for Candidate<C> {
    fn drop(&mut self) {
        self.expiry.abort();
    }
}

impl<C> Resolver<C> {
    pub(super) fn new(allows: Allows, resolve: Resolve<C>, limits: Limits, clock: Clock) -> Self {
        let confirmed = Cache::new(limits.issuers);
        let rejected = Cache::new(MAX_REJECTED);
        Self { allows, resolve, limits, clock, confirmed, rejected, unconfirmed: Mutex::default() }
    }

    fn unconfirmed(&self) -> MutexGuard<'_, HashMap<Box<str>, Unconfirmed<C>>> {
        self.unconfirmed.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns the verifier of `issuer`, and what keeps it from being evicted.
    fn begin_use(&self, issuer: &str) -> Option<(SharedVerifier<C>, Arc<()>)> {
        match self.unconfirmed().get(issuer) {
            Some(Unconfirmed::Ready(known)) => {
                Some((Arc::clone(&known.verifier), Arc::clone(&known.fetching)))
            }
            Some(Unconfirmed::Pending { .. }) => None,
            None => self.confirmed.get(issuer).map(|verifier| (verifier, Arc::default())),
        }
    }

    fn rejection(&self, issuer: &str) -> Option<AuthError> {
        let Rejection { error, until } = self.rejected.get(issuer)?;
        (self.clock.now() < until).then_some(error)
    }
}

impl<C: DeserializeOwned + Send + Sync + 'static> Resolver<C> {
    /// Asks the application for the verifier of `issuer`.
    async fn run(self: Arc<Self>, issuer: Box<str>) {
        let resolved = timeout(self.limits.timeout, (self.resolve)(issuer.to_string())).await;
        let verifier = match resolved {
            Ok(Ok(Some(verifier))) => {
                let verifier = verifier.into_dyn();
                if !verifier.requires_issuer() || !verifier.accepts_issuer(&issuer) {
                    Err(unavailable(ResolveError::OtherIssuer))
                } else if self.limits.requires_audience && !verifier.requires_audience() {
                    Err(unavailable(ResolveError::NoAudience))
                } else {
                    Ok(verifier)
                }
            }
            Ok(Ok(None)) => Err(unknown_issuer()),
            Ok(Err(error)) => Err(unavailable(ResolveError::Failed(error))),
            Err(_) => Err(unavailable(ResolveError::Timeout)),
        };
        match verifier {
            Ok(verifier) => {
                let since = Instant::now();
                let expiry = forget_unconfirmed(Arc::downgrade(&self), issuer.clone(), since);
                let expiry = tokio::spawn(expiry).abort_handle();
                let candidate = Candidate { verifier, since, fetching: Arc::default(), expiry };
                self.unconfirmed().insert(issuer, Unconfirmed::Ready(candidate));
            }
            Err(error) => {
                let pause = if error.kind() == AuthErrorKind::Unavailable {
                    warn!(cause = %crate::error::Causes(&error), "resolving an issuer failed");
                    self.limits.retry_after.min(MAX_FAILURE_PAUSE)
                } else {
                    self.limits.retry_after
                };
                let until = self.clock.now().saturating_add(pause);
                self.rejected.insert(issuer.clone(), Rejection { error, until });
                self.unconfirmed().remove(&issuer);
            }
        }
    }
}

/// Drops the verifier of `issuer` unless a token confirms it in time. `since` identifies it.
async fn forget_unconfirmed<C>(resolver: Weak<Resolver<C>>, issuer: Box<str>, since: Instant) {
    sleep(CONFIRMATION_TIME).await;
    if let Some(resolver) = resolver.upgrade() {
        let mut unconfirmed = resolver.unconfirmed();
        if let Some(Unconfirmed::Ready(known)) = unconfirmed.get(&issuer)
            && known.since == since
        {
            unconfirmed.remove(&issuer);
        }
    }
}

/// Removes the verifier that has waited longest for a valid token, and that fetches no keys.
/// Returns whether there was one.
fn evict_oldest<C>(unconfirmed: &mut HashMap<Box<str>, Unconfirmed<C>>) -> bool {
    let idle = unconfirmed.iter().filter_map(|(issuer, known)| match known {
        Unconfirmed::Ready(known) if !known.is_fetching() => Some((known.since, issuer)),
        Unconfirmed::Ready(_) | Unconfirmed::Pending { .. } => None,
    });
    let oldest = idle.min().map(|(_, issuer)| issuer.clone());
    oldest.is_some_and(|issuer| unconfirmed.remove(&issuer).is_some())
}

impl<C: DeserializeOwned + Send + Sync + 'static> VerifierSource<C> for Resolver<C> {
    fn allows(&self, issuer: &str) -> bool {
        (self.allows)(issuer)
    }

    fn now(&self) -> NumericDate {
        self.clock.now()
    }

    fn requires_audience(&self) -> bool {
        self.limits.requires_audience
    }

    fn max_token_len(&self) -> usize {
        self.limits.token_len
    }

    fn find(&self, issuer: &str) -> Found<C> {
        if let Some(verifier) = self.confirmed.get(issuer) {
            return Found::Confirmed(verifier);
        }
        if let Some(error) = self.rejection(issuer) {
            return Found::Rejected(error);
        }
        match self.unconfirmed().get(issuer) {
            Some(Unconfirmed::Ready(known)) => Found::Unconfirmed(Arc::clone(&known.verifier)),
            Some(Unconfirmed::Pending { .. }) | None => Found::Unknown,
        }
    }

    fn resolve(self: Arc<Self>, issuer: &str, token: Vec<u8>) -> Option<BoxFuture<'static, ()>> {
        let runtime = Handle::try_current().ok()?;
        let outcome = {
            let mut unconfirmed = self.unconfirmed();
            match unconfirmed.get(issuer) {
                // Confirmed since it was looked up.
                None if self.confirmed.get(issuer).is_some() => ready(()).boxed().shared(),
                Some(Unconfirmed::Ready(_)) => ready(()).boxed().shared(),
                Some(Unconfirmed::Pending { outcome, task }) if !task.is_finished() => {
                    outcome.clone()
                }
                _ => {
                    // A task ends early if the resolver panics or the runtime ends.
                    unconfirmed.retain(|_, known| match known {
                        Unconfirmed::Pending { task, .. } => !task.is_finished(),
                        Unconfirmed::Ready(_) => true,
                    });
                    let is_full = unconfirmed.len() >= self.limits.unconfirmed;
                    if is_full && !evict_oldest(&mut unconfirmed) {
                        debug!(
                            "an issuer is not resolved because too many others are being resolved"
                        );
                        return None;
                    }
                    // A task of its own: a caller that is dropped must not end it for the others.
                    let task = runtime.spawn(Arc::clone(&self).run(issuer.into()));
                    let handle = task.abort_handle();
                    let outcome = task.map(drop).boxed().shared();
                    let pending = Unconfirmed::Pending { outcome: outcome.clone(), task: handle };
                    unconfirmed.insert(issuer.into(), pending);
                    outcome
                }
            }
        };
        let issuer = issuer.to_owned();
        Some(
            async move {
                outcome.await;
                let Some((verifier, _fetching)) = self.begin_use(&issuer) else { return };
                let mut verified = verifier.verify(&token);
                if let Err(error) = verified {
                    let Ok(fetch) = error.begin_fetch() else { return };
                    fetch.await;
                    verified = verifier.verify(&token);
                }
                // At once, because other issuers may displace the verifier until the caller finds
                // it.
                if verified.is_ok() {
                    self.confirm(&issuer, verifier);
                }
            }
            .boxed(),
        )
    }

    fn confirm(&self, issuer: &str, verifier: SharedVerifier<C>) {
        // First, so that no caller finds neither.
        self.confirmed.insert(issuer.into(), verifier);
        let mut unconfirmed = self.unconfirmed();
        // Callers wait for a pending one.
        if let Some(Unconfirmed::Ready(_)) = unconfirmed.get(issuer) {
            unconfirmed.remove(issuer);
        }
    }

    fn cache_stats(&self) -> CacheStats {
        self.confirmed.iter().map(|(_, verifier)| verifier.cache_stats()).sum()
    }
}

fn unavailable(cause: ResolveError) -> AuthError {
    AuthError::with_source(AuthErrorKind::Unavailable, cause)
}

fn unknown_issuer() -> AuthError {
    let details = ErrorDetails {
        member: Some("iss".into()),
        rule: Some("expected an issuer that the resolver knows".into()),
        setting: Some("by_resolver"),
        ..ErrorDetails::default()
    };
    AuthError::with_details(AuthErrorKind::WrongIssuer, details)
}

/// Why the application's resolver has returned no usable verifier.
#[derive(Debug)]
enum ResolveError {
    Failed(BoxError),
    Timeout,
    OtherIssuer,
    NoAudience,
}

impl fmt::Display for ResolveError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Failed(_) => "the resolver for issuers failed",
            Self::Timeout => "the resolver for issuers did not return in time",
            Self::OtherIssuer => "the verifier of the resolver does not require the issuer",
            Self::NoAudience => "the verifier of the resolver does not require an audience",
        })
    }
}

impl Error for ResolveError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Failed(source) => Some(&**source),
            Self::Timeout | Self::OtherIssuer | Self::NoAudience => None,
        }
    }
}
