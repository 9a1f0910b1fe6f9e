use std::{fmt, net::IpAddr, sync::Arc};

use aws_lc_rs::{
    digest::{Context, SHA256},
    rand,
};
use base64_simd::URL_SAFE_NO_PAD;
use http::{Extensions, HeaderMap};

use crate::{
    clock::{Clock, NumericDate},
    error::{AuthError, AuthErrorKind},
    store::AttemptLimit,
    token::UserId,
    user::login_key,
};

use super::{
    client_address::{network_of, peer_address},
    counters::{Counter, Counters},
    forwarded::ForwardedHeader,
    permit::{PendingAttempt, Permit},
};

/// How many bytes of a hash name an account or an address.
const NAME_LEN: usize = 16;

/// Limits attempts to log in. Cheap to clone. See the [module docs](super).
#[derive(Clone)]
pub struct Throttle(Arc<Inner>);

pub(super) struct Inner {
    pub(super) counters: Counters,
    pub(super) per_account: AttemptLimit,
    pub(super) per_address: Option<AttemptLimit>,
    pub(super) account_field: &'static str,
    pub(super) namespace: Box<str>,
    pub(super) proxies: Option<(usize, ForwardedHeader)>,
    pub(super) clock: Clock,
}

impl Throttle {
    pub(super) fn new(inner: Inner) -> Self {
        Self(Arc::new(inner))
    }

    /// The field of a login that names the account.
    #[cfg(feature = "routes")]
    pub(crate) fn account_field(&self) -> &'static str {
        self.0.account_field
    }

    #[cfg(feature = "routes")]
    pub(crate) fn limits_addresses(&self) -> bool {
        self.0.per_address.is_some()
    }

    /// The address of the client that sent a request with these extensions and headers.
    ///
    /// If addresses are [not limited](super::ThrottleBuilder::without_addresses), it may be unknown:
    /// `None` if the extensions contain no [`ConnectInfo<SocketAddr>`](axum::extract::ConnectInfo).
    ///
    /// # Errors
    ///
    /// [`Misconfigured`](AuthErrorKind::Misconfigured) if addresses are limited, but the extensions
    /// contain no `ConnectInfo<SocketAddr>`.
    pub fn client_address(
        &self,
        extensions: &Extensions,
        headers: &HeaderMap,
    ) -> Result<Option<IpAddr>, AuthError> {
        let peer = match peer_address(extensions) {
            Ok(peer) => peer,
            Err(_) if self.0.per_address.is_none() => return Ok(None),
            Err(error) => return Err(AuthError::with_source(AuthErrorKind::Misconfigured, error)),
        };
        Ok(Some(match self.0.proxies {
            Some((proxies, header)) => header.client(proxies, peer, headers),
            None => peer,
        }))
    }

    /// Counts an attempt to log in to `account` from `address`, and permits it or not.
    ///
    /// `account` is the name that the client sent, in any spelling. Call this before the password is
    /// checked, and report the outcome to the [`Permit`].
    ///
    /// # Errors
    ///
    /// - [`Throttled`](AuthErrorKind::Throttled) if there were too many attempts.
    /// - [`Unavailable`](AuthErrorKind::Unavailable) if the store did not respond.
    /// - [`Misconfigured`](AuthErrorKind::Misconfigured) if neither an account nor an address is
    ///   limited, so that there would be no limit.
    pub async fn attempt(
        &self,
        account: Option<&str>,
        address: Option<IpAddr>,
    ) -> Result<Permit, AuthError> {
        self.count(account.map(|name| self.account_counter(name)), address).await
    }

    /// The same for a user whose id is known, and who tries a secret of this `kind`. Nobody else can
    /// use up these attempts, and no change of the name renews them.
    pub(crate) async fn attempt_by_user(
        &self,
        kind: &'static str,
        id: &UserId,
        address: Option<IpAddr>,
    ) -> Result<Permit, AuthError> {
        self.count(Some(self.user_counter(kind, id)), address).await
    }

    async fn count(
        &self,
        account: Option<Counter>,
        address: Option<IpAddr>,
    ) -> Result<Permit, AuthError> {
        let Inner { counters, clock, .. } = &*self.0;
        let now = clock.now();
        let address = self.address_counter(address);
        if account.is_none() && address.is_none() {
            return Err(AuthErrorKind::Misconfigured.into());
        }
        for counter in [&address, &account].into_iter().flatten() {
            counters.check_waits(counter, now)?;
        }
        let id = random_id()?;
        // The address comes first, so that a client that must wait does not block accounts.
        if let Some(address) = &address {
            counters.count(address, &address.attempt(&id, now)).await?;
        }
        if let Some(account) = &account
            && let Err(error) = counters.count(account, &account.attempt(&id, now)).await
        {
            // It was no attempt. Others at this address do not suffer from it.
            if let Some(address) = &address {
                counters.take_back(address, &address.attempt(&id, now)).await;
            }
            return Err(error);
        }
        Ok(Permit { counters: counters.clone(), id, now, address, account })
    }

    /// The permit of an attempt that was counted in an earlier request, perhaps by another machine.
    pub(crate) fn resume(&self, attempt: &PendingAttempt) -> Permit {
        let counter = |name: &Option<Box<str>>, limit: Option<AttemptLimit>| {
            Some(Counter { name: name.clone()?, limit: limit? })
        };
        let now = NumericDate::from_secs(attempt.at);
        // After one recovery the attempt is forgotten. Whoever takes it back takes back another one.
        let age = self.0.clock.now().saturating_duration_since(now);
        let per_address = self.0.per_address.filter(|limit| age < limit.recovery());
        Permit {
            counters: self.0.counters.clone(),
            id: attempt.id.clone(),
            now,
            address: counter(&attempt.address, per_address),
            account: counter(&attempt.account, Some(self.0.per_account)),
        }
    }

    fn address_counter(&self, address: Option<IpAddr>) -> Option<Counter> {
        let (address, limit) = address.zip(self.0.per_address)?;
        let network = network_of(address).to_string();
        Some(Counter { name: self.name_of("address", network.as_bytes()), limit })
    }

    /// Forgets the attempts on an account, in all spellings of its name, for example after a reset of
    /// its password.
    ///
    /// # Errors
    ///
    /// [`Unavailable`](AuthErrorKind::Unavailable) if the store did not respond. The attempts stay
    /// counted.
    pub async fn reset(&self, account: &str) -> Result<(), AuthError> {
        self.0.counters.reset(&self.account_counter(account)).await
    }

    /// Forgets the attempts that were counted by [`attempt_by_user`](Self::attempt_by_user).
    #[cfg(feature = "accounts")]
    pub(crate) async fn reset_user(
        &self,
        kind: &'static str,
        id: &UserId,
    ) -> Result<(), AuthError> {
        self.0.counters.reset(&self.user_counter(kind, id)).await
    }

    fn user_counter(&self, kind: &'static str, id: &UserId) -> Counter {
        Counter { name: self.name_of(kind, id.as_str().as_bytes()), limit: self.0.per_account }
    }

    fn account_counter(&self, name: &str) -> Counter {
        Counter {
            name: self.name_of("account", login_key(name).as_bytes()),
            limit: self.0.per_account,
        }
    }

    /// A hash that names an account or an address.
    fn name_of(&self, kind: &str, value: &[u8]) -> Box<str> {
        let mut hash = Context::new(&SHA256);
        for part in [self.0.namespace.as_bytes(), kind.as_bytes()] {
            hash.update(&(part.len() as u64).to_be_bytes());
            hash.update(part);
        }
        hash.update(value);
        URL_SAFE_NO_PAD.encode_to_string(&hash.finish().as_ref()[..NAME_LEN]).into()
    }
}

fn random_id() -> Result<Box<str>, AuthError> {
    let mut bytes = [0; NAME_LEN];
    rand::fill(&mut bytes)
        .map_err(|error| AuthError::with_source(AuthErrorKind::Unavailable, error))?;
    Ok(URL_SAFE_NO_PAD.encode_to_string(bytes).into())
}

impl fmt::Debug for Throttle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Throttle")
            .field("per_account", &self.0.per_account)
            .field("per_address", &self.0.per_address)
            .finish_non_exhaustive()
    }
}
