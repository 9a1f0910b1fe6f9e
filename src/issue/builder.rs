use std::{fmt, marker::PhantomData, num::NonZeroUsize, sync::Arc, time::Duration};

use serde::de::DeserializeOwned;

use crate::{
    clock::Clock,
    error::ConfigError,
    store::{DEFAULT_DEADLINE, SharedStore, TokenStore},
    token::{ClaimNames, DEFAULT_MAX_TOKEN_LEN, KeySet, NoClaims, TokenType},
};

use super::{
    adoption::Adoption,
    event::Event,
    issuer::{Inner, Issuer},
    mint::Minter,
    name_hash::NameKey,
    settings::{SessionLifetime, SessionLimit, Settings},
    ticket_claims::TICKET,
};

const DEFAULT_GRACE: Duration = Duration::from_secs(10);
const DEFAULT_TICKET_LIFETIME: Duration = Duration::from_secs(30);
const DEFAULT_SESSION_LIMIT: NonZeroUsize = NonZeroUsize::new(100).unwrap();
const DEFAULT_SESSION_LIFETIME: Duration = Duration::from_secs(30 * 24 * 60 * 60);

/// Configures an [`Issuer`].
#[must_use]
pub struct IssuerBuilder<C = NoClaims, R = NoClaims> {
    settings: Settings,
    claims: PhantomData<fn() -> (C, R)>,
}

impl Issuer {
    /// Starts an issuer that signs with the signing key of `keys`.
    ///
    /// Its tokens carry only registered claims, unless [`claims`](IssuerBuilder::claims) sets a type
    /// for the application's own.
    pub fn builder(keys: impl Into<KeySet>) -> IssuerBuilder {
        let settings = Settings {
            keys: keys.into(),
            names: ClaimNames::default(),
            access_lifetime: Duration::from_secs(5 * 60),
            refresh_lifetime: Duration::from_secs(24 * 60 * 60),
            session_lifetime: SessionLifetime::Default,
            session_limit: SessionLimit::Default,
            rotate: false,
            reuse_grace: None,
            ticket_lifetime: None,
            leeway: Duration::ZERO,
            clock_skew: None,
            issuer: None,
            audience: None,
            access_auth_time: false,
            client_id: None,
            max_token_len: DEFAULT_MAX_TOKEN_LEN,
            store: None,
            store_deadline: None,
            clock: Clock::system(),
            #[cfg(feature = "routes")]
            password_amr: false,
            adoption: None,
            listeners: Vec::new(),
            name_key: None,
        };
        IssuerBuilder { settings, claims: PhantomData }
    }
}

impl<C, R> IssuerBuilder<C, R> {
    /// Sets the type of the application's own claims in access tokens. Default: [`NoClaims`].
    pub fn claims<C2>(self) -> IssuerBuilder<C2, R> {
        IssuerBuilder { settings: self.settings, claims: PhantomData }
    }

    /// Sets the type of the application's own claims in refresh tokens. Default: [`NoClaims`].
    pub fn refresh_claims<R2>(self) -> IssuerBuilder<C, R2> {
        IssuerBuilder { settings: self.settings, claims: PhantomData }
    }

    /// Sets how long access tokens are valid, in whole seconds. Default: 5 minutes.
    ///
    /// A revoked access token is still accepted for that long by services that do not ask the store.
    pub fn access_lifetime(mut self, lifetime: Duration) -> Self {
        self.settings.access_lifetime = lifetime;
        self
    }

    /// Sets how long refresh tokens are valid, in whole seconds. Default: 1 day.
    ///
    /// With rotation, this is how long a session may remain unused.
    pub fn refresh_lifetime(mut self, lifetime: Duration) -> Self {
        self.settings.refresh_lifetime = lifetime;
        self
    }

    /// Sets how long after the login a session ends, however often it is refreshed; in whole
    /// seconds, `None` for never. Default: 30 days, or the lifetime of refresh tokens if that is
    /// longer.
    pub fn session_lifetime(mut self, lifetime: impl Into<Option<Duration>>) -> Self {
        self.settings.session_lifetime =
            lifetime.into().map_or(SessionLifetime::Unlimited, SessionLifetime::Limited);
        self
    }

    /// Sets how many sessions a user may have at a time, `None` for any number. A limit requires a
    /// [`store`](Self::store). Default: 100, if there is a store.
    ///
    /// A login that exceeds the limit ends the session whose last use is longest ago, and emits
    /// [`SessionDisplaced`](super::Event::SessionDisplaced). A session that began with a refresh
    /// token of another issuer counts too, but only a login ends sessions.
    ///
    /// The cost of a login does not depend on how often the user logged in before, but grows with the
    /// limit: the store examines as many sessions.
    pub fn sessions_per_user(mut self, limit: impl Into<Option<NonZeroUsize>>) -> Self {
        self.settings.session_limit =
            limit.into().map_or(SessionLimit::Unlimited, SessionLimit::Limited);
        self
    }

    /// Sets whether a refresh also returns a new refresh token and spends the old one. Requires a
    /// [`store`](Self::store). Default: `false`.
    ///
    /// If a spent token is used again, its session ends ([RFC 9700 section 4.14]).
    ///
    /// [RFC 9700 section 4.14]: https://www.rfc-editor.org/rfc/rfc9700#section-4.14
    pub fn rotate_refresh_tokens(mut self, rotate: bool) -> Self {
        self.settings.rotate = rotate;
        self
    }

    /// Sets how long after it was spent a refresh token returns the same successor again; in whole
    /// seconds, at most 300. Requires [rotation](Self::rotate_refresh_tokens). Default: 10 seconds
    /// with rotation. With zero, every second use of a refresh token ends its session.
    ///
    /// The grace is for two tabs that refresh at the same time, and for clients that did not receive
    /// the first response. It applies only to the token that was spent last, and only until its
    /// successor is spent.
    ///
    /// <div class="warning">
    ///
    /// A thief has the grace, too. A thief who uses each stolen refresh token within the grace, after
    /// its owner refreshed, follows the session for as long as it lives without ending it. Each
    /// such use emits [`Replayed`](super::Event::Replayed). Refresh tokens that scripts cannot read
    /// prevent the theft, and those that are bound to a key of the client (DPoP) are useless to a
    /// thief, also within the grace: see [`possession`](crate::possession#the-thief-of-a-token).
    ///
    /// </div>
    pub fn reuse_grace(mut self, grace: Duration) -> Self {
        self.settings.reuse_grace = Some(grace);
        self
    }

    /// Sets how long [tickets](Issuer::issue_ticket) are valid, in whole seconds, at most 300.
    /// Requires a [`store`](Self::store). Default: 30 seconds.
    ///
    /// A ticket that is not used, for example because the download was cancelled, can be used for
    /// that long by anyone who finds its URL.
    pub fn ticket_lifetime(mut self, lifetime: Duration) -> Self {
        self.settings.ticket_lifetime = Some(lifetime);
        self
    }

    /// Sets how long a token is accepted after it has expired, in whole seconds, at most 300.
    /// Default: zero.
    ///
    /// It extends the lifetime of every token, stolen ones too.
    pub fn leeway(mut self, leeway: Duration) -> Self {
        self.settings.leeway = leeway;
        self
    }

    /// Sets by how much the clock of another machine that issues tokens may be ahead: how far `iat`,
    /// `nbf` and `auth_time` may be in the future. In whole seconds, at most 300. Default: 60 seconds.
    ///
    /// The larger of skew and [leeway](Self::leeway) counts, not their sum.
    pub fn clock_skew(mut self, clock_skew: Duration) -> Self {
        self.settings.clock_skew = Some(clock_skew);
        self
    }

    /// Sets the `iss` claim of all tokens and requires it of them. Default: none.
    ///
    /// Issuers with different `iss` may share a [store](Self::store): each has its own users in it.
    /// After a change of this setting, all users must log in again.
    pub fn issuer(mut self, issuer: impl Into<Box<str>>) -> Self {
        self.settings.issuer = Some(issuer.into());
        self
    }

    /// Sets the `aud` claim of all tokens and requires it of them. Default: none.
    pub fn audience(mut self, audience: impl Into<Box<str>>) -> Self {
        self.settings.audience = Some(audience.into());
        self
    }

    /// Makes access tokens follow [RFC 9068], for services that require it: with `typ` `at+jwt` in
    /// the header, the user id as `sub`, and `client_id`. Requires an [`issuer`](Self::issuer) and an
    /// [`audience`](Self::audience). Default: they do not.
    ///
    /// `client_id` identifies the application that users log in with. The other claims remain the
    /// same. Access tokens that were issued without this setting are rejected, refresh tokens are
    /// not.
    ///
    /// ```
    /// use tower_jwt_auth::{Algorithm, Issuer, SigningKey};
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
        self.settings.client_id = Some(client_id.into());
        self
    }

    /// Sets the names of the claims for the user id, the token type and the token id. Default:
    /// `user_id`, `token_type`, `jti`.
    pub fn claim_names(mut self, names: ClaimNames) -> Self {
        self.settings.names = names;
        self
    }

    /// Sets how long access and refresh tokens may be, in bytes; 64 to 1 048 576. Default: 8192.
    ///
    /// It limits the claims of a user: a login or refresh whose tokens would be longer fails. Servers
    /// and proxies limit the length of headers too, often to 8192 bytes. Verifiers of other services
    /// have [their own limit](crate::token::VerifierBuilder::max_token_len).
    pub fn max_token_len(mut self, bytes: usize) -> Self {
        self.settings.max_token_len = bytes;
        self
    }

    /// Sets that refresh tokens of an earlier system, which have no `sid`, are accepted for a while.
    /// Requires a [`store`](Self::store). Default: they are rejected.
    ///
    /// Such a token begins a session with its first use, and its `jti` becomes the id of the session.
    /// Where it cannot be adopted, it is invalid for every purpose, a logout included.
    ///
    /// The [lifetime of the session](Self::session_lifetime) counts from the token's `iat`. Nobody
    /// logged in here, so its access tokens have no `auth_time`, whatever
    /// [`access_auth_time`](Self::access_auth_time) is, and
    /// [`StepUp::max_age`](crate::token::StepUpBuilder::max_age) requires a login. The refresh tokens
    /// have `session_start` instead.
    pub fn adopt_refresh_tokens(mut self, adoption: Adoption) -> Self {
        self.settings.adoption = Some(adoption);
        self
    }

    /// Sets the store that remembers sessions and revocations. Default: none, and tokens are valid
    /// until they expire.
    ///
    /// <div class="warning">
    ///
    /// A store identifies users by the [issuer](Self::issuer) and the user's id. Applications without
    /// an issuer, or with the same one, whose user ids mean different users need a store each: a
    /// schema, a database or a key prefix of their own. With one store for both,
    /// [`revoke_user`](Issuer::revoke_user) and the limit of sessions in one application end the
    /// sessions of the other.
    ///
    /// </div>
    pub fn store(mut self, store: impl TokenStore) -> Self {
        self.settings.store = Some(SharedStore::new(store, DEFAULT_DEADLINE));
        self
    }

    /// Sets how long one call of the store may take before the store counts as unavailable. Requires
    /// a [`store`](Self::store). Default: 2 seconds.
    pub fn store_deadline(mut self, deadline: Duration) -> Self {
        self.settings.store_deadline = Some(deadline);
        self
    }

    /// Sets the clock. Default: the system clock.
    pub fn clock(mut self, clock: impl Into<Clock>) -> Self {
        self.settings.clock = clock.into();
        self
    }

    /// Sets whether access tokens have the claim [`auth_time`](crate::Claims::auth_time), the time of
    /// the login, for [`StepUp::max_age`](crate::token::StepUpBuilder::max_age). Default: `false`.
    /// Refresh tokens have it in any case. No token of an [adopted](Self::adopt_refresh_tokens)
    /// session has it.
    pub fn access_auth_time(mut self, written: bool) -> Self {
        self.settings.access_auth_time = written;
        self
    }

    /// Sets whether the tokens of logins by password alone have the claim
    /// [`amr`](crate::Claims::amr), `["pwd"]`, if the login is one of the [routes](crate::routes).
    /// Default: `false`. Logins in two steps have `["pwd", "otp"]` in any case.
    #[cfg(feature = "routes")]
    pub fn password_amr(mut self, written: bool) -> Self {
        self.settings.password_amr = written;
        self
    }

    /// Adds a listener. It is called on each [`Event`], before the response is sent. Call it
    /// repeatedly to add several. Default: none. A listener must return quickly: move longer work to a channel or a task.
    ///
    /// No event is emitted if the call is dropped while it waits for the store, which happens when a
    /// client disconnects. The store may have done its work nevertheless.
    pub fn on_event(mut self, listener: impl Fn(&Event<'_>) + Send + Sync + 'static) -> Self {
        self.settings.listeners.push(Arc::new(listener));
        self
    }

    /// Sets the key with which the names in [`LoginFailed`](super::Event::LoginFailed) are hashed, of at
    /// least 32 random bytes. Requires [`on_event`](Self::on_event). Default: none, and the events have
    /// no hash.
    ///
    /// With one key, all machines hash a name alike, so keep it with the other secrets of the
    /// application. Who does not have the key cannot find out a name by hashing guesses. Who has it can:
    /// see [`login_name_hash`](Issuer::login_name_hash). Do not use the signing key for this.
    ///
    /// ```
    /// use std::sync::{Arc, Mutex};
    /// use tower_jwt_auth::{Algorithm, Issuer, SigningKey, issue::Event};
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let key = [7, 9].repeat(16);
    /// let issuer = Issuer::builder(SigningKey::generate(Algorithm::ES256)?)
    ///     .login_name_key(key)
    ///     .on_event(|event| {
    ///         if let Event::LoginFailed { reason, name_hash, address, .. } = event {
    ///             println!("login failed: {} {name_hash:?} {address:?}", reason.code());
    ///         }
    ///     })
    ///     .build()?;
    ///
    /// // An auditor who looks for the attempts on an account:
    /// assert_eq!(issuer.login_name_hash("ada"), issuer.login_name_hash("ADA"));
    /// # Ok(())
    /// # }
    /// ```
    #[cfg(any(feature = "password", feature = "throttle"))]
    pub fn login_name_key(mut self, key: impl AsRef<[u8]>) -> Self {
        self.settings.name_key = Some((key.as_ref().to_vec().into(), crate::user::login_key));
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
    /// - The keys cannot sign, or rotated keys would be removed before the last token that they
    ///   signed has expired.
    /// - A lifetime is less than a second, or refresh tokens outlive the session.
    /// - The leeway or the grace exceeds 300 seconds, or the grace is a fraction of a second.
    /// - The lifetime of tickets is not 1 to 300 seconds.
    /// - Rotation, adoption, a limit of sessions, a lifetime of tickets or a store deadline is set
    ///   without a store, or a grace without rotation.
    /// - The [name key](Self::login_name_key) has less than 32 bytes, or there is no listener.
    /// - RFC 9068 is set without issuer, audience or client id, or the claim names contradict it.
    /// - [`VerifierBuilder::build`](crate::token::VerifierBuilder::build) rejects the settings.
    pub fn build(self) -> Result<Issuer<C, R>, ConfigError> {
        let settings = self.settings;
        settings.check()?;
        let minter = Minter {
            keys: settings.keys,
            names: settings.names,
            issuer: settings.issuer,
            audience: settings.audience,
            access_auth_time: settings.access_auth_time,
            client_id: settings.client_id,
            access_lifetime: settings.access_lifetime,
            refresh_lifetime: settings.refresh_lifetime,
            session_lifetime: match settings.session_lifetime {
                SessionLifetime::Default => {
                    Some(settings.refresh_lifetime.max(DEFAULT_SESSION_LIFETIME))
                }
                SessionLifetime::Limited(lifetime) => Some(lifetime),
                SessionLifetime::Unlimited => None,
            },
            max_token_len: settings.max_token_len,
            clock_skew: settings.clock_skew,
        };
        let verifier_builder = || minter.verifier_builder(settings.leeway, &settings.clock);

        let mut access = verifier_builder();
        if minter.client_id.is_some() {
            access = access.header_typ("at+jwt");
        }
        let access = access.claims().build()?;
        // Most refresh tokens are used once.
        let refresh =
            verifier_builder().token_type(TokenType::Refresh).cache(0).claims().build()?;

        let ticket_type = TokenType::from(TICKET);
        let ticket = verifier_builder().token_type(ticket_type).cache(0).claims().build()?;

        let store = match settings.store_deadline {
            Some(deadline) => settings.store.map(|store| store.with_deadline(deadline)),
            None => settings.store,
        };
        let store = store.map(|store| store.for_users_of(minter.issuer.as_deref()));
        Ok(Issuer::new(Inner {
            access,
            refresh,
            ticket,
            ticket_lifetime: settings.ticket_lifetime.unwrap_or(DEFAULT_TICKET_LIFETIME),
            store,
            sessions_per_user: match settings.session_limit {
                SessionLimit::Default => Some(DEFAULT_SESSION_LIMIT),
                SessionLimit::Limited(limit) => Some(limit),
                SessionLimit::Unlimited => None,
            },
            rotate: settings.rotate,
            reuse_grace: settings.reuse_grace.unwrap_or(DEFAULT_GRACE),
            leeway: settings.leeway,
            clock: settings.clock,
            #[cfg(feature = "routes")]
            password_amr: settings.password_amr,
            adoption: settings.adoption,
            listeners: settings.listeners,
            name_key: settings.name_key.map(|(key, fold)| NameKey::new(&key, fold)),
            minter,
        }))
    }
}

impl<C, R> fmt::Debug for IssuerBuilder<C, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IssuerBuilder").field("keys", &self.settings.keys).finish_non_exhaustive()
    }
}
