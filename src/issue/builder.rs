use std::{fmt, marker::PhantomData, num::NonZeroUsize, sync::Arc, time::Duration};

use serde::de::DeserializeOwned;

use crate::{
    check::Checker,
    clock::Clock,
    error::ConfigError,
    store::{DEFAULT_DEADLINE, SharedStore, TokenStore, check_deadline},
    token::{ClaimNames, Claims, KeySet, NoClaims, TokenType, Verifier, VerifierBuilder},
};

use super::{
    event::Event,
    issuer::{Inner, Issuer},
    mint::Minter,
};

const MAX_GRACE: Duration = Duration::from_secs(300);
const DEFAULT_SESSION_LIFETIME: Duration = Duration::from_secs(30 * 24 * 60 * 60);

pub(super) type Listener = Arc<dyn Fn(&Event<'_>) + Send + Sync>;

/// How long a session may last.
enum SessionLifetime {
    Default,
    Limited(Duration),
    Unlimited,
}

/// Sets up an [`Issuer`].
#[must_use]
pub struct IssuerBuilder<C = NoClaims, R = NoClaims> {
    keys: KeySet,
    names: ClaimNames,
    access_lifetime: Duration,
    refresh_lifetime: Duration,
    session_lifetime: SessionLifetime,
    sessions_per_user: Option<NonZeroUsize>,
    rotate: bool,
    reuse_grace: Duration,
    leeway: Duration,
    issuer: Option<Box<str>>,
    audience: Option<Box<str>>,
    client_id: Option<Box<str>>,
    store: Option<Box<dyn FnOnce(Duration) -> SharedStore + Send + Sync>>,
    store_deadline: Option<Duration>,
    clock: Clock,
    listeners: Vec<Listener>,
    claims: PhantomData<fn() -> (C, R)>,
}

impl Issuer {
    /// Starts an issuer that signs with the signing key of `keys`.
    ///
    /// Its tokens carry registered claims only, unless [`claims`](IssuerBuilder::claims) names a
    /// type for the application's own.
    pub fn builder(keys: impl Into<KeySet>) -> IssuerBuilder {
        IssuerBuilder {
            keys: keys.into(),
            names: ClaimNames::default(),
            access_lifetime: Duration::from_secs(5 * 60),
            refresh_lifetime: Duration::from_secs(24 * 60 * 60),
            session_lifetime: SessionLifetime::Default,
            sessions_per_user: None,
            rotate: false,
            reuse_grace: Duration::ZERO,
            leeway: Duration::ZERO,
            issuer: None,
            audience: None,
            client_id: None,
            store: None,
            store_deadline: None,
            clock: Clock::system(),
            listeners: Vec::new(),
            claims: PhantomData,
        }
    }
}

impl<C, R> IssuerBuilder<C, R> {
    /// Sets the type of the application's own claims in access tokens. Default: [`NoClaims`].
    pub fn claims<C2>(self) -> IssuerBuilder<C2, R> {
        self.retyped()
    }

    /// Sets the type of the application's own claims in refresh tokens. Default: [`NoClaims`].
    pub fn refresh_claims<R2>(self) -> IssuerBuilder<C, R2> {
        self.retyped()
    }

    fn retyped<C2, R2>(self) -> IssuerBuilder<C2, R2> {
        IssuerBuilder {
            keys: self.keys,
            names: self.names,
            access_lifetime: self.access_lifetime,
            refresh_lifetime: self.refresh_lifetime,
            session_lifetime: self.session_lifetime,
            sessions_per_user: self.sessions_per_user,
            rotate: self.rotate,
            reuse_grace: self.reuse_grace,
            leeway: self.leeway,
            issuer: self.issuer,
            audience: self.audience,
            client_id: self.client_id,
            store: self.store,
            store_deadline: self.store_deadline,
            clock: self.clock,
            listeners: self.listeners,
            claims: PhantomData,
        }
    }

    /// Sets how long access tokens live, in whole seconds. Default: 5 minutes.
    ///
    /// A revoked token opens routes that do not ask the store for as long.
    pub fn access_lifetime(mut self, lifetime: Duration) -> Self {
        self.access_lifetime = lifetime;
        self
    }

    /// Sets how long refresh tokens live, in whole seconds. Default: 1 day.
    ///
    /// With rotation it is how long a session may stay unused.
    pub fn refresh_lifetime(mut self, lifetime: Duration) -> Self {
        self.refresh_lifetime = lifetime;
        self
    }

    /// Sets how long after its login a session ends, however often it is refreshed; whole seconds,
    /// `None` for never. Default: 30 days, or as long as refresh tokens live if that is longer.
    pub fn session_lifetime(mut self, lifetime: impl Into<Option<Duration>>) -> Self {
        self.session_lifetime =
            lifetime.into().map_or(SessionLifetime::Unlimited, SessionLifetime::Limited);
        self
    }

    /// Sets how many sessions a user may have at a time, `None` for any number; 1 means that each
    /// login ends the session before. Takes a [`store`](Self::store). Default: `None`.
    ///
    /// A login that would be one too many ends the session that was used longest ago, which is told
    /// as [`SessionDisplaced`](super::Event::SessionDisplaced). What is
    /// begun with a refresh token of another issuer, which names no session, is counted, but only
    /// ended by the next login.
    pub fn sessions_per_user(mut self, limit: impl Into<Option<NonZeroUsize>>) -> Self {
        self.sessions_per_user = limit.into();
        self
    }

    /// Sets whether a refresh also brings a new refresh token and spends the old one. Takes a
    /// [`store`](Self::store). Default: `false`.
    ///
    /// A spent token that is used again ends its session ([RFC 9700 section 4.14]).
    ///
    /// [RFC 9700 section 4.14]: https://www.rfc-editor.org/rfc/rfc9700#section-4.14
    pub fn rotate_refresh_tokens(mut self, rotate: bool) -> Self {
        self.rotate = rotate;
        self
    }

    /// Sets how long after it was spent a refresh token is answered again with the same successor,
    /// for clients that never saw the first answer; whole seconds, up to 300. Default: zero, never.
    ///
    /// Only the token that was spent last, while its successor is unspent. A thief has as long.
    pub fn reuse_grace(mut self, grace: Duration) -> Self {
        self.reuse_grace = grace;
        self
    }

    /// Sets by how much clocks may differ; whole seconds, at most 300. Default: zero.
    pub fn leeway(mut self, leeway: Duration) -> Self {
        self.leeway = leeway;
        self
    }

    /// Writes `iss` into every token, and requires it. Default: none.
    pub fn issuer(mut self, issuer: impl Into<Box<str>>) -> Self {
        self.issuer = Some(issuer.into());
        self
    }

    /// Writes `aud` into every token, and requires it. Default: none.
    pub fn audience(mut self, audience: impl Into<Box<str>>) -> Self {
        self.audience = Some(audience.into());
        self
    }

    /// Makes access tokens those of [RFC 9068], for services that take no others: with `typ`
    /// `at+jwt` in the header, the user id as `sub`, and `client_id`. Takes an
    /// [`issuer`](Self::issuer) and an [`audience`](Self::audience). Default: they are not.
    ///
    /// `client_id` names the application that users log in with. Everything else in the tokens
    /// stays. Access tokens that were issued before are refused, refresh tokens are not.
    ///
    /// ```
    /// use tower_jwt_auth::{Algorithm, Issuer, SigningKey, token::NoClaims};
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let issuer = Issuer::builder(SigningKey::generate(Algorithm::ES256)?)
    ///     .issuer("https://login.example")
    ///     .audience("https://api.example")
    ///     .rfc9068_access_tokens("web")
    ///     .build()?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// [RFC 9068]: https://www.rfc-editor.org/rfc/rfc9068
    pub fn rfc9068_access_tokens(mut self, client_id: impl Into<Box<str>>) -> Self {
        self.client_id = Some(client_id.into());
        self
    }

    /// Sets which members hold the user id, the token type and the token id.
    /// Default: `user_id`, `token_type`, `jti`.
    pub fn claim_names(mut self, names: ClaimNames) -> Self {
        self.names = names;
        self
    }

    /// Sets what remembers sessions and revocations. Default: nothing does, so tokens are good
    /// until they expire.
    pub fn store(mut self, store: impl TokenStore) -> Self {
        self.store = Some(Box::new(|deadline| SharedStore::new(store, deadline)));
        self
    }

    /// Sets how long the store may take for one call before it counts as unreachable.
    /// Default: 2 seconds.
    pub fn store_deadline(mut self, deadline: Duration) -> Self {
        self.store_deadline = Some(deadline);
        self
    }

    /// Sets the clock. Default: the system's.
    pub fn clock(mut self, clock: impl Into<Clock>) -> Self {
        self.clock = clock.into();
        self
    }

    /// Adds a listener, called on each [`Event`] before the answer is sent. May be called
    /// repeatedly. It must be quick: hand longer work to a channel or task.
    ///
    /// It is not told of what the store does for a call that is dropped as it waits for the store,
    /// as servers drop the requests of clients that go away.
    pub fn on_event(mut self, listener: impl Fn(&Event<'_>) + Send + Sync + 'static) -> Self {
        self.listeners.push(Arc::new(listener));
        self
    }
}

impl<C, R> IssuerBuilder<C, R>
where
    C: DeserializeOwned + Send + Sync + 'static,
    R: DeserializeOwned + Send + Sync + 'static,
{
    /// Builds the issuer.
    ///
    /// # Errors
    ///
    /// When the keys cannot sign; a lifetime is zero, or refresh tokens outlive the session; the
    /// grace or leeway exceeds 300 seconds, or the grace is a fraction of one; keys that are rotated
    /// would be forgotten before the last token they signed has expired; RFC 9068 lacks an issuer, an
    /// audience or a client id, or claim names contradict it; rotation, a limit of sessions or a
    /// deadline has no store, or a grace no rotation; or the settings of the tokens are refused by
    /// [`VerifierBuilder::build`].
    pub fn build(self) -> Result<Issuer<C, R>, ConfigError> {
        self.check()?;
        let mut access = self.verifier_builder();
        if self.client_id.is_some() {
            access = access.header_typ("at+jwt");
        }
        let access = access.claims().build()?;
        // Refresh tokens are good for one use, mostly.
        let refresh =
            self.verifier_builder().token_type(TokenType::Refresh).cache(0).claims().build()?;
        let either = self
            .verifier_builder()
            .cache(0)
            .token_types([TokenType::Access, TokenType::Refresh])
            // What every route would refuse for its claims is not good.
            .check(|claims: &Claims| match claims.token_type() {
                Some(TokenType::Refresh) => serde_json::from_str::<R>(claims.json()).is_ok(),
                _ => serde_json::from_str::<C>(claims.json()).is_ok(),
            })
            .build()?;

        let deadline = self.store_deadline.unwrap_or(DEFAULT_DEADLINE);
        let store = self.store.map(|connect| connect(deadline));
        Ok(Issuer::new(Inner {
            access,
            refresh,
            either: Checker::new(either, store.clone()),
            store,
            sessions_per_user: self.sessions_per_user,
            rotate: self.rotate,
            reuse_grace: self.reuse_grace,
            leeway: self.leeway,
            clock: self.clock,
            listeners: self.listeners,
            minter: Minter {
                keys: self.keys,
                names: self.names,
                issuer: self.issuer,
                audience: self.audience,
                client_id: self.client_id,
                access_lifetime: self.access_lifetime,
                refresh_lifetime: self.refresh_lifetime,
                session_lifetime: match self.session_lifetime {
                    SessionLifetime::Default => {
                        Some(self.refresh_lifetime.max(DEFAULT_SESSION_LIFETIME))
                    }
                    SessionLifetime::Limited(lifetime) => Some(lifetime),
                    SessionLifetime::Unlimited => None,
                },
            },
        }))
    }

    fn check(&self) -> Result<(), ConfigError> {
        if self.keys.load().signing_key().is_none() {
            return Err(ConfigError::ineffective("the key set has no signing key"));
        }
        if self.access_lifetime.as_secs() == 0 || self.refresh_lifetime.as_secs() == 0 {
            return Err(ConfigError::out_of_range("tokens must live for at least a second"));
        }
        if let SessionLifetime::Limited(lifetime) = self.session_lifetime
            && lifetime < self.refresh_lifetime
        {
            return Err(ConfigError::out_of_range("refresh tokens must not outlive the session"));
        }
        if self.reuse_grace > MAX_GRACE {
            return Err(ConfigError::out_of_range("the reuse grace must not exceed five minutes"));
        }
        if !self.reuse_grace.is_zero() && self.reuse_grace.as_secs() == 0 {
            return Err(ConfigError::out_of_range("a reuse grace must be at least a second"));
        }
        if self.rotate && self.store.is_none() {
            return Err(ConfigError::ineffective(
                "rotation needs a store that remembers spent tokens",
            ));
        }
        if !self.reuse_grace.is_zero() && !self.rotate {
            return Err(ConfigError::ineffective("a reuse grace has no effect without rotation"));
        }
        if self.sessions_per_user.is_some() && self.store.is_none() {
            return Err(ConfigError::ineffective(
                "a limit of sessions needs a store that remembers them",
            ));
        }
        if self.store_deadline.is_some() && self.store.is_none() {
            return Err(ConfigError::ineffective("a store deadline has no effect without a store"));
        }
        if let Some(client_id) = &self.client_id {
            if self.issuer.is_none() || self.audience.is_none() {
                return Err(ConfigError::ineffective("RFC 9068 needs an issuer and an audience"));
            }
            if client_id.is_empty() {
                return Err(ConfigError::ineffective("the client id is empty"));
            }
            if self.names.jti() != "jti"
                || [self.names.user_id(), self.names.token_type()].contains(&"client_id")
            {
                return Err(ConfigError::conflict(
                    "RFC 9068 says already what jti and client_id are",
                ));
            }
        }
        if let Some(terms) = self.keys.load().terms() {
            let longest = self.access_lifetime.max(self.refresh_lifetime);
            if longest.saturating_add(self.leeway) > terms.token_lifetime {
                return Err(ConfigError::out_of_range(
                    "tokens would outlive the keys, whose policy must allow for it",
                ));
            }
        }
        self.store_deadline.map_or(Ok(()), check_deadline)?;
        Ok(())
    }

    fn verifier_builder(&self) -> VerifierBuilder {
        verifier_builder(
            &self.keys,
            &self.names,
            (self.issuer.as_deref(), self.audience.as_deref()),
            self.leeway,
            &self.clock,
        )
    }
}

/// A verifier's settings that agree with what an issuer writes.
pub(super) fn verifier_builder(
    keys: &KeySet,
    names: &ClaimNames,
    (issuer, audience): (Option<&str>, Option<&str>),
    leeway: Duration,
    clock: &Clock,
) -> VerifierBuilder {
    let mut builder = Verifier::builder(keys.clone())
        .claim_names(names.clone())
        .leeway(leeway)
        .clock(clock.clone());
    if let Some(issuer) = issuer {
        builder = builder.issuer(issuer);
    }
    if let Some(audience) = audience {
        builder = builder.audience(audience);
    }
    builder
}

impl<C, R> fmt::Debug for IssuerBuilder<C, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IssuerBuilder").field("keys", &self.keys).finish_non_exhaustive()
    }
}
