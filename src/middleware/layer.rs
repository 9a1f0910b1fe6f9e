use std::{fmt, sync::Arc, time::Duration};

#[cfg(feature = "introspection")]
use serde::de::DeserializeOwned;
use tower_layer::Layer;

#[cfg(feature = "introspection")]
use crate::introspection::Introspection;
#[cfg(feature = "cookie")]
use crate::transport::SessionCookies;
use crate::{
    check::Checker,
    error::{ConfigError, is_scope_token},
    issue::Issuer,
    possession::{Dpop, PossessionPolicy},
    protected_resource::ProtectedResource,
    rejection::{Challenges, DpopChallenge, JsonRejection},
    store::{DEFAULT_DEADLINE, SharedStore, TokenStore, check_deadline},
    token::{NoClaims, Verifier},
    transport::{TokenSource, TokenSources},
};

use super::{
    config::{Config, InvalidToken},
    service::JwtAuth,
};

/// Passes requests with a valid token on to the inner service and rejects all others. See the
/// [module docs](super).
///
/// `C` is the type of the application's own claims. `R` makes the responses to rejected requests.
#[must_use]
pub struct JwtAuthLayer<C = NoClaims, R = JsonRejection>(Arc<Config<C, R>>);

impl<C> JwtAuthLayer<C> {
    /// Creates a layer that requires a Bearer token which `verifier` accepts.
    ///
    /// It checks no revocations. For tokens of an [`Issuer`] in the same process, use
    /// [`Issuer::layer`], which does.
    pub fn new(verifier: Verifier<C>) -> Self {
        Self::with_checker(Checker::new(verifier, None))
    }

    /// Creates a layer that requires a Bearer token which the authorization server describes as
    /// active. JWTs are introspected too. See [`introspection`](crate::introspection).
    ///
    /// It checks no revocations in a store.
    #[cfg(feature = "introspection")]
    pub fn from_introspection(introspection: Introspection<C>) -> Self
    where
        C: DeserializeOwned + Send + Sync + 'static,
    {
        let layer = Self::with_checker(Checker::opaque(introspection.into_dyn()));
        layer.with(|config| config.sources = config.sources.clone().accepting_opaque())
    }

    fn with_checker(checker: Checker<C>) -> Self {
        Self(Arc::new(Config {
            checker,
            sources: TokenSources::only(TokenSource::bearer()),
            optional: None,
            challenges: Arc::default(),
            dpop_challenges: None,
            inner_challenges: None,
            required_scope: None,
            rejection: JsonRejection,
        }))
    }
}

impl<C, R> Issuer<C, R> {
    /// Creates a layer that requires one of this issuer's access tokens as a Bearer token.
    ///
    /// It rejects revoked tokens if the issuer has a [store](crate::issue::IssuerBuilder::store).
    /// Without a store, tokens are valid until they expire.
    ///
    /// ```
    /// use axum::{Router, routing::get};
    /// use tower_jwt_auth::{Algorithm, Claims, Issuer, MemoryStore, SigningKey};
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let issuer = Issuer::builder(SigningKey::generate(Algorithm::HS256)?)
    ///     .store(MemoryStore::new())
    ///     .build()?;
    /// let app: Router = Router::new()
    ///     .route("/", get(|claims: Claims| async move { claims.user_id().to_string() }))
    ///     .layer(issuer.layer());
    /// # Ok(())
    /// # }
    /// ```
    pub fn layer(&self) -> JwtAuthLayer<C> {
        JwtAuthLayer::with_checker(Checker::new(self.verifier(), self.shared_store().cloned()))
    }
}

impl<C, R: Clone> JwtAuthLayer<C, R> {
    fn with(mut self, change: impl FnOnce(&mut Config<C, R>)) -> Self {
        change(Arc::make_mut(&mut self.0));
        self
    }

    /// Sets the store that is asked whether a valid token was revoked. Default: none, and revoked
    /// tokens are accepted until they expire.
    ///
    /// The store is asked about the user of the token's `iss`, if the token has one: see
    /// [`scoped_user_id`](crate::store::scoped_user_id). If the token has a `sid` too, the store is
    /// also asked, at the same time, whether [a logout](crate::token::TokenProfile::LogoutToken) has
    /// ended that session of the issuer. If the store does not respond within 2 seconds, the response
    /// is `503`.
    ///
    /// <div class="warning">
    ///
    /// The store replaces the one that the layer has. A layer of [`Issuer::layer`] then no longer asks
    /// the issuer's store: pass that store, or a replica of it. With another store,
    /// tokens of sessions that ended at the issuer are accepted until they expire.
    ///
    /// </div>
    pub fn with_revocation_check(self, store: impl TokenStore) -> Self {
        self.with_store(SharedStore::new(store, DEFAULT_DEADLINE), false)
    }

    /// Like [`with_revocation_check`](Self::with_revocation_check), with another deadline than 2
    /// seconds.
    ///
    /// # Errors
    ///
    /// If `deadline` is zero.
    pub fn with_revocation_check_within(
        self,
        store: impl TokenStore,
        deadline: Duration,
    ) -> Result<Self, ConfigError> {
        check_deadline(deadline)?;
        Ok(self.with_store(SharedStore::new(store, deadline), false))
    }

    fn with_store(self, store: SharedStore, fail_open: bool) -> Self {
        self.with(|config| config.checker = config.checker.clone().with_store(store, fail_open))
    }

    /// Like [`with_revocation_check_within`](Self::with_revocation_check_within), but accepts every
    /// valid token while the store does not respond.
    ///
    /// <div class="warning">
    ///
    /// An attacker who can keep the store from responding in time, for example by flooding it, can
    /// use revoked tokens: a stolen one, or that of a user who was locked out. They stay usable
    /// until they expire, so keep
    /// [access tokens](crate::issue::IssuerBuilder::access_lifetime) short-lived.
    ///
    /// </div>
    ///
    /// Use it for routes whose outage does more harm. During an outage each request may take
    /// `deadline` longer. The setting affects this layer only: login and refresh always need the
    /// store. With the feature `tracing`, each token accepted without a check logs a warning.
    ///
    /// # Errors
    ///
    /// If `deadline` is zero.
    pub fn with_insecure_fail_open_revocation_check(
        self,
        store: impl TokenStore,
        deadline: Duration,
    ) -> Result<Self, ConfigError> {
        check_deadline(deadline)?;
        Ok(self.with_store(SharedStore::new(store, deadline), true))
    }

    /// Has all tokens introspected that are not JWTs. Default: they are rejected.
    ///
    /// JWTs are verified as before. Opaque tokens may be up to 8192 bytes long. See
    /// [`introspection`](crate::introspection).
    ///
    /// ```
    /// use tower_jwt_auth::{
    ///     JwtAuthLayer, Verifier,
    ///     introspection::{ClientAuth, Introspection},
    ///     token::TokenProfile,
    /// };
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let key = tower_jwt_auth::SigningKey::generate(tower_jwt_auth::Algorithm::ES256)?;
    /// let verifier: Verifier = Verifier::builder(key.verifying_key())
    ///     .issuer("https://login.example")
    ///     .audience("https://api.example")
    ///     .profile(TokenProfile::Rfc9068)
    ///     .build()?;
    /// let introspection = Introspection::builder(
    ///     "https://login.example/introspect",
    ///     ClientAuth::basic("api", "secret"),
    /// )
    /// .issuer("https://login.example")
    /// .audience("https://api.example")
    /// .build()?;
    /// let layer = JwtAuthLayer::new(verifier).with_introspection(introspection)?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// If the verifier requires an audience and the introspection requires none: the layer would
    /// accept opaque tokens that were issued for other services.
    #[cfg(feature = "introspection")]
    pub fn with_introspection(self, introspection: Introspection<C>) -> Result<Self, ConfigError>
    where
        C: DeserializeOwned + Send + Sync + 'static,
    {
        let opaque = introspection.into_dyn();
        if self.0.checker.requires_audience() && !opaque.requires_audience() {
            return Err(ConfigError::ineffective(
                "`with_introspection` requires an `audience` of the introspection, because the \
                 verifier requires one",
            ));
        }
        Ok(self.with(|config| {
            config.checker = config.checker.clone().with_opaque(opaque);
            config.sources = config.sources.clone().accepting_opaque();
        }))
    }

    /// Makes authentication optional: passes requests without a token on, without claims, and
    /// rejects or passes on those with an invalid token, depending on `invalid_token`. Default: a
    /// token is required.
    ///
    /// An invalid token in a cookie counts as none, because browsers send cookies by themselves.
    ///
    /// Handlers then take `Option<Claims<C>>`. Malformed credentials are rejected with `400`, and
    /// the response is still `503` while the store does not respond.
    pub fn with_optional(self, invalid_token: InvalidToken) -> Self {
        self.with(|config| config.optional = Some(invalid_token))
    }

    /// Sets where the token is read from, replacing all sources set before. Default:
    /// [`TokenSource::bearer`].
    pub fn with_source(self, source: TokenSource) -> Self {
        self.with(|config| config.sources = config.sources.replaced_by(source))
    }

    /// Adds another place where the token may be. Default: none.
    ///
    /// Requests with tokens in two places are rejected with `400`. Cookies are the exception: they
    /// are read only if the token is nowhere else and the request has no `Authorization` header,
    /// because browsers add cookies to all requests.
    pub fn with_additional_source(self, source: TokenSource) -> Self {
        self.with(|config| config.sources = config.sources.clone().and(source))
    }

    /// Adds the access cookie of `cookies` to the places where the token may be, so that browsers use
    /// the cookie and other clients use a header. Default: none.
    ///
    /// The cookie is read only if the token is nowhere else and the request has no `Authorization`
    /// header. A request that another site may have caused is rejected with `403`: see
    /// [`transport`](crate::transport#cross-site-requests). If the cookie holds no valid token, a
    /// layer with [optional authentication](Self::with_optional) treats it as absent, and any other
    /// responds with `401`. That response deletes the cookie unless its token was valid once.
    ///
    /// ```
    /// use tower_jwt_auth::{Algorithm, Issuer, SigningKey, transport::SessionCookies};
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let issuer = Issuer::builder(SigningKey::generate(Algorithm::ES256)?).build()?;
    /// let cookies = SessionCookies::builder().build()?;
    /// let layer = issuer.layer().with_cookies(&cookies);
    /// # Ok(())
    /// # }
    /// ```
    #[cfg(feature = "cookie")]
    pub fn with_cookies(self, cookies: &SessionCookies) -> Self {
        self.with(|config| config.sources = config.sources.clone().and_session(cookies))
    }

    /// Accepts tokens that are bound to the key of their client by DPoP ([RFC 9449]), sent with the
    /// scheme `DPoP` and a proof. Default: bound tokens are rejected.
    ///
    /// A bound token with any other scheme or in a cookie is rejected. Other tokens are accepted as
    /// before, unless `dpop` [requires](crate::possession::DpopBuilder::require) bound tokens. See
    /// [`possession`](crate::possession).
    ///
    /// [RFC 9449]: https://www.rfc-editor.org/rfc/rfc9449
    pub fn with_dpop(self, dpop: Dpop) -> Self {
        let challenge =
            DpopChallenge { algs: Arc::clone(dpop.algs()), is_required: dpop.is_required() };
        self.with_challenges(|challenges| challenges.with_dpop(challenge)).with(|config| {
            config.sources = config.sources.clone().and_dpop();
            let checker = config.checker.clone();
            config.checker = checker.with_possession(|policy| policy.with_dpop(dpop));
        })
    }

    /// Accepts tokens that are bound to a client certificate ([RFC 8705 section 3]), if the request
    /// has the [`ClientCertificateThumbprint`](crate::possession::ClientCertificateThumbprint) of that
    /// certificate in its extensions. Default: they are rejected.
    ///
    /// The application's TLS layer must have verified the certificate and inserted the thumbprint.
    ///
    /// [RFC 8705 section 3]: https://www.rfc-editor.org/rfc/rfc8705#section-3
    pub fn with_certificate_bound_tokens(self) -> Self {
        self.with(|config| {
            let checker = config.checker.clone();
            config.checker = checker.with_possession(PossessionPolicy::with_certificates);
        })
    }

    /// Sets the realm of the `WWW-Authenticate` challenges. Default: `api`.
    ///
    /// # Errors
    ///
    /// If the realm is empty or contains a quote, a backslash, or anything but visible ASCII
    /// characters and spaces.
    pub fn with_realm(self, realm: impl Into<Arc<str>>) -> Result<Self, ConfigError> {
        let realm = realm.into();
        let allowed = |byte: u8| matches!(byte, b' '..=b'~') && !matches!(byte, b'"' | b'\\');
        if realm.is_empty() || !realm.bytes().all(allowed) {
            return Err(ConfigError::out_of_range(
                "`with_realm`: a realm must be visible ASCII without quotes and backslashes",
            ));
        }
        Ok(self.with_challenges(|challenges| challenges.with_realm(realm)))
    }

    fn with_challenges(self, change: impl FnOnce(Challenges) -> Challenges) -> Self {
        self.with(|config| {
            let challenges = Arc::new(change(Challenges::clone(&config.challenges)));
            let are_special = challenges.has_resource_metadata() || challenges.has_dpop();
            config.inner_challenges = are_special.then(|| Arc::clone(&challenges));
            config.dpop_challenges = challenges
                .has_dpop()
                .then(|| Arc::new(Challenges::clone(&challenges).for_dpop_requests()));
            config.challenges = challenges;
        })
    }

    /// Requires a scope of every token. Default: none.
    ///
    /// Tokens without it are rejected with `403`. All challenges name it, so that a client without a
    /// token knows which scope to ask for ([RFC 6750 section 3]). [`RequireLayer::scope`] names it
    /// only in its own `403`.
    ///
    /// ```
    /// use axum::{Router, routing::get};
    /// use tower_jwt_auth::{Algorithm, Issuer, SigningKey};
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let issuer = Issuer::builder(SigningKey::generate(Algorithm::ES256)?).build()?;
    /// let write = Router::new()
    ///     .route("/write", get(|| async { "written" }))
    ///     .route_layer(issuer.layer().with_required_scope("write")?);
    /// # let _: Router = write;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// If the scope is not a scope token of [RFC 6749 section 3.3]: visible ASCII without spaces,
    /// quotes and backslashes.
    ///
    /// [`RequireLayer::scope`]: crate::guard::RequireLayer::scope
    /// [RFC 6749 section 3.3]: https://www.rfc-editor.org/rfc/rfc6749#section-3.3
    /// [RFC 6750 section 3]: https://www.rfc-editor.org/rfc/rfc6750#section-3
    pub fn with_required_scope(self, scope: impl Into<Arc<str>>) -> Result<Self, ConfigError> {
        let scope = scope.into();
        if !is_scope_token(&scope) {
            return Err(ConfigError::out_of_range(
                "`with_required_scope`: a scope must be visible ASCII without spaces, quotes and \
                 backslashes",
            ));
        }
        let layer = self.with_challenges(|challenges| challenges.with_scope(Arc::clone(&scope)));
        Ok(layer.with(|config| config.required_scope = Some(scope)))
    }

    /// Has all challenges name the metadata of `resource` ([RFC 9728 section 5.1]), so that a client
    /// learns from a rejected request where it gets a token. Default: they do not.
    ///
    /// The challenges are those of this layer, and those of guards and handlers inside it. With a
    /// resource, [`Forbidden`](crate::AuthErrorKind::Forbidden) errors have a challenge too. See
    /// [`ProtectedResource`].
    ///
    /// # Errors
    ///
    /// If the verifier does not require an
    /// [audience](crate::token::VerifierBuilder::audience). A client gets tokens for many resources
    /// from one server. Without an audience, this resource would accept those for the others, and
    /// could use its own there. Verifiers that are made by a [resolver](Verifier::by_resolver) are not
    /// known yet, so the resolver must
    /// [require an audience](crate::jwks::ResolverBuilder::require_audience).
    ///
    /// Also if the verifier, or the introspection, has no audience that is the identifier of the
    /// resource: the tokens that clients get for it would be rejected. If that is intended, set
    /// [`ProtectedResourceBuilder::audience`](crate::protected_resource::ProtectedResourceBuilder::audience).
    ///
    /// [RFC 9728 section 5.1]: https://www.rfc-editor.org/rfc/rfc9728#section-5.1
    pub fn with_protected_resource(
        self,
        resource: &ProtectedResource,
    ) -> Result<Self, ConfigError> {
        if !self.0.checker.requires_audience() {
            return Err(ConfigError::ineffective(
                "`with_protected_resource` requires a verifier with an `audience`, usually the \
                 identifier of the resource",
            ));
        }
        if !self.0.checker.accepts_audience(resource.audience()) {
            return Err(ConfigError::conflict(
                "the `audience` of the verifier must contain the identifier of the \
                 `ProtectedResource`, or the resource's own `audience` if that is set",
            ));
        }
        let url = resource.metadata_url();
        Ok(self.with_challenges(|challenges| challenges.with_resource_metadata(url.into())))
    }

    /// Sets how responses to rejected requests are made. Default: [`JsonRejection`].
    pub fn with_rejection<R2>(self, rejection: R2) -> JwtAuthLayer<C, R2> {
        let Config {
            checker,
            sources,
            optional,
            challenges,
            dpop_challenges,
            inner_challenges,
            required_scope,
            rejection: _,
        } = Arc::unwrap_or_clone(self.0);
        JwtAuthLayer(Arc::new(Config {
            checker,
            sources,
            optional,
            challenges,
            dpop_challenges,
            inner_challenges,
            required_scope,
            rejection,
        }))
    }
}

#[cfg(feature = "openapi")]
impl<C, R> JwtAuthLayer<C, R> {
    pub(crate) fn sources(&self) -> &TokenSources {
        &self.0.sources
    }

    pub(crate) fn dpop(&self) -> Option<&Dpop> {
        self.0.checker.dpop()
    }

    /// Whether requests without a token are passed on.
    pub(crate) fn is_optional(&self) -> bool {
        self.0.optional.is_some()
    }
}

impl<S, C, R> Layer<S> for JwtAuthLayer<C, R> {
    type Service = JwtAuth<S, C, R>;

    fn layer(&self, inner: S) -> Self::Service {
        JwtAuth::new(inner, Arc::clone(&self.0))
    }
}

impl<C, R> Clone for JwtAuthLayer<C, R> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<C, R> fmt::Debug for JwtAuthLayer<C, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JwtAuthLayer")
            .field("sources", &self.0.sources)
            .field("optional", &self.0.optional)
            .field("realm", &self.0.challenges.realm())
            .finish_non_exhaustive()
    }
}
