use std::{fmt, time::Duration};

use crate::{
    clock::Clock,
    error::ConfigError,
    store::{AttemptLimit, ThrottleStore},
};

use super::{
    counters::Counters,
    forwarded::ForwardedHeader,
    shared_store::SharedStore,
    throttle_handle::{Inner, Throttle},
};

const MAX_PROXIES: usize = 16;

/// Configures a [`Throttle`].
#[must_use]
pub struct ThrottleBuilder {
    counters: Counters,
    per_account: Option<AttemptLimit>,
    per_address: PerAddress,
    account_field: &'static str,
    namespace: Box<str>,
    proxies: Option<(usize, ForwardedHeader)>,
    clock: Clock,
}

#[derive(Debug)]
enum PerAddress {
    Default,
    Limit(AttemptLimit),
    Unlimited,
}

impl Throttle {
    /// Starts a builder. The attempts are counted in `store`.
    pub fn builder(store: impl ThrottleStore) -> ThrottleBuilder {
        ThrottleBuilder {
            counters: Counters::new(SharedStore::new(store)),
            per_account: None,
            per_address: PerAddress::Default,
            account_field: "username",
            namespace: Box::default(),
            proxies: None,
            clock: Clock::default(),
        }
    }
}

impl ThrottleBuilder {
    /// Sets the limit of each account. Default: 10 attempts, a recovery of 15 minutes, and waits of 30
    /// seconds to an hour.
    pub fn per_account(mut self, limit: AttemptLimit) -> Self {
        self.per_account = Some(limit);
        self
    }

    /// Sets the limit of each address. Default: 100 attempts, a recovery of a minute, and waits of 30
    /// seconds to an hour.
    pub fn per_address(mut self, limit: AttemptLimit) -> Self {
        self.per_address = PerAddress::Limit(limit);
        self
    }

    /// Limits attempts by account only. Then one client may try a few passwords for each of many
    /// accounts. Default: addresses are limited too.
    pub fn without_addresses(mut self) -> Self {
        self.per_address = PerAddress::Unlimited;
        self
    }

    /// Sets the field of a login that names the account, by its name before
    /// [renaming](crate::routes::TokenRoutesBuilder::rename_field). Default: `username`.
    ///
    /// Set it if the [`Credentials`](crate::user::Credentials) of the user backend read another field.
    /// Attempts without the field are limited by address only.
    pub const fn account_field(mut self, name: &'static str) -> Self {
        self.account_field = name;
        self
    }

    /// Counts separately from throttles of other namespaces on the same store, for example those of
    /// another application or of sign-up. Default: empty.
    pub fn namespace(mut self, namespace: impl Into<Box<str>>) -> Self {
        self.namespace = namespace.into();
        self
    }

    /// Reads the address of the client from `header`, in which each of `count` proxies in front of this
    /// service appends the address that it was called from. Default: no proxy is trusted, and the
    /// address is that of the connection.
    ///
    /// Entries are counted from the right. If an entry is missing or malformed, the address is that of
    /// the nearest proxy that could be read. Clients must not be able to reach this service past the
    /// proxies: otherwise they choose their address.
    pub const fn trusted_proxies(mut self, count: usize, header: ForwardedHeader) -> Self {
        self.proxies = Some((count, header));
        self
    }

    /// Sets the clock. Default: the clock of the operating system.
    pub fn clock(mut self, clock: impl Into<Clock>) -> Self {
        self.clock = clock.into();
        self
    }

    /// Builds the throttle.
    ///
    /// # Errors
    ///
    /// - The number of [trusted proxies](Self::trusted_proxies) is zero or more than 16.
    /// - There are trusted proxies, but addresses are not limited.
    pub fn build(self) -> Result<Throttle, ConfigError> {
        let per_address = match self.per_address {
            PerAddress::Default => {
                Some(AttemptLimit::new(100)?.with_recovery(Duration::from_secs(60))?)
            }
            PerAddress::Limit(limit) => Some(limit),
            PerAddress::Unlimited => None,
        };
        if let Some((count, _)) = self.proxies {
            if !(1..=MAX_PROXIES).contains(&count) {
                return Err(ConfigError::out_of_range("`trusted_proxies` must be 1 to 16"));
            }
            if per_address.is_none() {
                return Err(ConfigError::ineffective(
                    "`trusted_proxies` has no effect with `without_addresses`",
                ));
            }
        }
        Ok(Throttle::new(Inner {
            counters: self.counters,
            per_account: match self.per_account {
                Some(limit) => limit,
                None => AttemptLimit::new(10)?,
            },
            per_address,
            account_field: self.account_field,
            namespace: self.namespace,
            proxies: self.proxies,
            clock: self.clock,
        }))
    }
}

impl fmt::Debug for ThrottleBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ThrottleBuilder")
            .field("per_account", &self.per_account)
            .field("per_address", &self.per_address)
            .finish_non_exhaustive()
    }
}
