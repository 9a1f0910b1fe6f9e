use std::{fmt, sync::Arc, time::Duration};

use crate::{
    clock::Clock,
    error::ConfigError,
    store::{DEFAULT_DEADLINE, SharedStore, TokenStore, check_deadline},
    token::{
        Algorithm,
        dpop::{DEFAULT_ALGORITHMS, ProofRules, normalize_url},
    },
    url::{RedactedUrl, UrlRule},
};

use super::{
    dpop::{Dpop, Inner},
    nonces::Nonces,
};

const DEFAULT_MAX_AGE: Duration = Duration::from_secs(60);
const DEFAULT_CLOCK_SKEW: Duration = Duration::from_secs(5);

/// Configures [`Dpop`].
#[must_use]
pub struct DpopBuilder {
    public_url: Box<str>,
    is_required: bool,
    store: Option<SharedStore>,
    store_deadline: Duration,
    allows_replay: bool,
    algorithms: Vec<Algorithm>,
    max_age: Duration,
    clock_skew: Duration,
    nonces: Option<Result<Nonces, ConfigError>>,
    clock: Clock,
}

impl Dpop {
    /// Starts a builder for a service whose routes clients know under `public_url`, for example
    /// `https://api.example`.
    ///
    /// The URL that a proof names is compared with `public_url` and the path of the request, never
    /// with the `Host` header, which clients choose. If a proxy removes the beginning of the path,
    /// `public_url` has it. The paths of nested routers of axum are added. Those with captures, such
    /// as `/{tenant}`, cannot be: inside such a router, each proof is rejected with `500`, so put the
    /// layer around the outer router.
    pub fn builder(public_url: impl Into<Box<str>>) -> DpopBuilder {
        DpopBuilder {
            public_url: public_url.into(),
            is_required: false,
            store: None,
            store_deadline: DEFAULT_DEADLINE,
            allows_replay: false,
            algorithms: DEFAULT_ALGORITHMS.to_vec(),
            max_age: DEFAULT_MAX_AGE,
            clock_skew: DEFAULT_CLOCK_SKEW,
            nonces: None,
            clock: Clock::system(),
        }
    }
}

impl DpopBuilder {
    /// Rejects all tokens that are not bound to a key by DPoP. Default: they are accepted as Bearer
    /// tokens.
    pub fn require(mut self) -> Self {
        self.is_required = true;
        self
    }

    /// Sets the store that remembers the proofs that were used, so that each works once. Required
    /// unless replay is [allowed](Self::insecure_allow_replay).
    ///
    /// Machines that serve the same clients must share one. A [`MemoryStore`](crate::MemoryStore) is
    /// for a single process. If the store does not respond, requests with bound tokens are rejected
    /// with `503`.
    ///
    /// Only requests with a valid token and a valid proof write to the store. Each proof is remembered
    /// for as long as it is accepted, the [clock skew](Self::clock_skew) and a second. Stores in
    /// databases need a [`Purger`](crate::store::Purger), as they do for sessions.
    pub fn store(mut self, store: impl TokenStore) -> Self {
        self.store = Some(SharedStore::new(store, DEFAULT_DEADLINE));
        self
    }

    /// Sets how long a call to the store may take. Default: 2 seconds.
    pub fn store_deadline(mut self, deadline: Duration) -> Self {
        self.store_deadline = deadline;
        self
    }

    /// Accepts a proof any number of times until it is too old.
    ///
    /// <div class="warning">
    ///
    /// Who can read a request, for example in a log with its headers, can repeat it during the
    /// [maximum age](Self::max_age) of its proof.
    ///
    /// </div>
    pub fn insecure_allow_replay(mut self) -> Self {
        self.allows_replay = true;
        self
    }

    /// Sets the algorithms of proofs. Default: ES256, ES384, RS256, PS256 and EdDSA.
    pub fn algorithms(mut self, algorithms: impl IntoIterator<Item = Algorithm>) -> Self {
        self.algorithms = algorithms.into_iter().collect();
        self
    }

    /// Sets how old a proof may be, in whole seconds, from 1 to 300. Default: 60 seconds.
    pub fn max_age(mut self, max_age: Duration) -> Self {
        self.max_age = max_age;
        self
    }

    /// Sets by how much the clock of a client may be ahead, in whole seconds, at most 60. Default: 5
    /// seconds.
    pub fn clock_skew(mut self, clock_skew: Duration) -> Self {
        self.clock_skew = clock_skew;
        self
    }

    /// Requires a nonce of this server in each proof, so that no proof can be made in advance.
    /// Default: none is required.
    ///
    /// A nonce is an HMAC of the time in steps of `step`, from 10 to 3600 seconds, with `secret`, of
    /// at least 32 bytes. It is accepted in its step and in the next one. Machines that serve the
    /// same clients must have the same secret and step. A proof with another nonce is rejected with
    /// `401`, the code `use_dpop_nonce`, and a new nonce in the header `DPoP-Nonce`, with which
    /// clients repeat the request.
    pub fn nonces(mut self, secret: impl AsRef<[u8]>, step: Duration) -> Self {
        self.nonces = Some(Nonces::new(secret.as_ref(), step));
        self
    }

    /// Sets the clock. Default: the system clock.
    pub fn clock(mut self, clock: impl Into<Clock>) -> Self {
        self.clock = clock.into();
        self
    }

    /// Builds the handle.
    ///
    /// # Errors
    ///
    /// - The public URL is not an `http` or `https` URL, or has a user, a query or a fragment.
    /// - There is neither a [`store`](Self::store) nor
    ///   [`insecure_allow_replay`](Self::insecure_allow_replay), or there are both.
    /// - There is no [algorithm](Self::algorithms), or one of them is symmetric.
    /// - A setting is outside the range that its method documents.
    pub fn build(self) -> Result<Dpop, ConfigError> {
        let base = UrlRule::HttpsOrHttp
            .parse_issuer(&self.public_url)
            .and_then(|_| normalize_url(&self.public_url))
            .ok_or(ConfigError::out_of_range(
                "the public URL of `Dpop` must be an http or https URL without user, query and \
                 fragment",
            ))?;
        if self.algorithms.is_empty() || self.algorithms.iter().any(|alg| alg.is_symmetric()) {
            return Err(ConfigError::out_of_range(
                "the `algorithms` of `Dpop` must not be empty, and none may be symmetric",
            ));
        }
        if !(1..=300).contains(&self.max_age.as_secs()) {
            return Err(ConfigError::out_of_range(
                "the `max_age` of `Dpop` must be 1 to 300 seconds",
            ));
        }
        if self.clock_skew > Duration::from_secs(60) {
            return Err(ConfigError::out_of_range(
                "the `clock_skew` of `Dpop` must be at most 60 seconds",
            ));
        }
        check_deadline(self.store_deadline)?;
        if self.allows_replay && self.store.is_some() {
            return Err(ConfigError::conflict(
                "`insecure_allow_replay` cannot be set because `Dpop` has a `store`",
            ));
        }
        if !self.allows_replay && self.store.is_none() {
            return Err(ConfigError::ineffective(
                "`Dpop` requires a `store`, without which a proof could be used repeatedly",
            ));
        }
        let rules = ProofRules::new(self.algorithms.into(), self.max_age, self.clock_skew);
        let algs: Vec<_> = rules.algorithm_names().collect();
        Ok(Dpop(Arc::new(Inner {
            is_required: self.is_required,
            base: base.trim_end_matches('/').to_owned(),
            algs: algs.join(" ").into(),
            rules,
            used: self.store.map(|store| store.with_deadline(self.store_deadline)),
            nonces: self.nonces.transpose()?,
            // A proof whose `iat` is a fraction of a second is accepted a second longer.
            remembered_longer: self.clock_skew + Duration::from_secs(1),
            clock: self.clock,
        })))
    }
}

impl fmt::Debug for DpopBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DpopBuilder")
            .field("public_url", &RedactedUrl(&self.public_url))
            .field("is_required", &self.is_required)
            .field("algorithms", &self.algorithms)
            .finish_non_exhaustive()
    }
}
