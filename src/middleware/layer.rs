use std::{fmt, sync::Arc, time::Duration};

use serde::de::DeserializeOwned;
use tower_layer::Layer;

use crate::{
    check::{Anonymous, Checker, DEFAULT_REALM},
    error::{AuthError, AuthErrorKind, ConfigError},
    rejection::{Challenges, JsonRejection, Rejection, respond_with},
    store::{DEFAULT_DEADLINE, SharedStore, TokenStore, check_deadline},
    token::{Claims, NoClaims, Verifier},
    trace::{debug, trace},
    transport::{TokenSource, TokenSources, is_token68},
};

use super::service::JwtAuth;

/// Lets requests with a good token through to the inner service. See the [module docs](super).
///
/// `C` are the application's own claims, `R` says what refused requests are answered with.
#[must_use]
pub struct JwtAuthLayer<C = NoClaims, R = JsonRejection>(Arc<Config<C, R>>);

/// What a token that is not good means where authentication is optional.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum InvalidToken {
    /// The request is refused, so that a client learns of it. The default.
    #[default]
    Reject,
    /// The request goes on without claims, as if it had brought no token.
    Ignore,
}

impl<C> JwtAuthLayer<C> {
    /// A layer that requires a Bearer token which `verifier` accepts, does not look at revocation,
    /// and answers refused requests with JSON.
    pub fn new(verifier: Verifier<C>) -> Self {
        Self(Arc::new(Config {
            checker: Checker::new(verifier, None),
            sources: TokenSources::only(TokenSource::bearer()),
            optional: None,
            challenges: Challenges::new(DEFAULT_REALM.into()),
            rejection: JsonRejection,
        }))
    }
}

impl<C, R: Clone> JwtAuthLayer<C, R> {
    fn with(mut self, change: impl FnOnce(&mut Config<C, R>)) -> Self {
        change(Arc::make_mut(&mut self.0));
        self
    }

    /// Asks `store` about each token that verifies, and refuses those that were revoked. Default:
    /// no store is asked, and revoked tokens are good until they expire.
    ///
    /// While the store does not answer, within two seconds, requests are answered `503`.
    pub fn with_revocation_check(self, store: impl TokenStore) -> Self {
        self.with_store(SharedStore::new(store, DEFAULT_DEADLINE), false)
    }

    /// As [`with_revocation_check`](Self::with_revocation_check), with another deadline.
    ///
    /// # Errors
    ///
    /// When the deadline is zero.
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

    /// As [`with_revocation_check_within`](Self::with_revocation_check_within), but while the store
    /// does not answer, every token that verifies is let through.
    ///
    /// <div class="warning">
    ///
    /// Whoever can keep the store from answering in time, by flooding it perhaps, can use what was
    /// revoked: a stolen token, the session of a user who was locked out. It is good until it
    /// expires, so keep [access tokens](crate::issue::IssuerBuilder::access_lifetime) short-lived.
    ///
    /// </div>
    ///
    /// For routes whose outage does more harm, and where each request may take `deadline` longer
    /// during the outage. It concerns this layer only: with a tracing subscriber, it warns of each
    /// token that is let through. Login and refresh always need the store.
    ///
    /// # Errors
    ///
    /// When the deadline is zero.
    pub fn with_insecure_fail_open_revocation_check(
        self,
        store: impl TokenStore,
        deadline: Duration,
    ) -> Result<Self, ConfigError> {
        check_deadline(deadline)?;
        Ok(self.with_store(SharedStore::new(store, deadline), true))
    }

    /// Lets requests without a token through, without claims; `invalid_token` says what becomes of
    /// those with a token that is not good. Default: a token is required.
    ///
    /// Handlers then take `Option<Claims<C>>`. Credentials against the grammar are answered `400`,
    /// and a store that does not answer `503`, in either case.
    pub fn with_optional(self, invalid_token: InvalidToken) -> Self {
        self.with(|config| config.optional = Some(invalid_token))
    }

    /// Sets where the token stands, in place of all sources set before. Default:
    /// [`TokenSource::bearer`].
    pub fn with_source(self, source: TokenSource) -> Self {
        self.with(|config| config.sources = TokenSources::only(source))
    }

    /// Adds a place where the token may stand instead. Default: none.
    ///
    /// A request with tokens in two places is answered `400`.
    pub fn with_additional_source(self, source: TokenSource) -> Self {
        self.with(|config| config.sources = config.sources.clone().and(source))
    }

    /// Sets the realm that challenges name. Default: `api`.
    ///
    /// # Errors
    ///
    /// When it is empty, or holds anything but visible ASCII and spaces, or a quote or backslash.
    pub fn with_realm(self, realm: impl Into<Arc<str>>) -> Result<Self, ConfigError> {
        let realm = realm.into();
        let allowed = |byte: u8| matches!(byte, b' '..=b'~') && !matches!(byte, b'"' | b'\\');
        if realm.is_empty() || !realm.bytes().all(allowed) {
            return Err(ConfigError::out_of_range(
                "a realm must be visible ASCII without quotes and backslashes",
            ));
        }
        Ok(self.with(|config| config.challenges = Challenges::new(realm)))
    }

    /// Sets what refused requests are answered with. Default: [`JsonRejection`].
    pub fn with_rejection<R2>(self, rejection: R2) -> JwtAuthLayer<C, R2> {
        let Config { checker, sources, optional, challenges, rejection: _ } =
            Arc::unwrap_or_clone(self.0);
        JwtAuthLayer(Arc::new(Config { checker, sources, optional, challenges, rejection }))
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

/// What a layer and all its services share.
pub(super) struct Config<C, R> {
    checker: Checker<C>,
    sources: TokenSources,
    /// What a bad token means; `None` where a good one is required.
    optional: Option<InvalidToken>,
    challenges: Challenges,
    rejection: R,
}

impl<C, R: Clone> Clone for Config<C, R> {
    fn clone(&self) -> Self {
        Self {
            checker: self.checker.clone(),
            sources: self.sources.clone(),
            optional: self.optional,
            challenges: self.challenges.clone(),
            rejection: self.rejection.clone(),
        }
    }
}

impl<C: DeserializeOwned + Send + Sync + 'static, R> Config<C, R> {
    pub(super) fn check<B>(&self, request: &http::Request<B>) -> crate::check::Check<C> {
        use crate::check::Check;
        match self.sources.find(request) {
            Ok(Some(token)) => match self.checker.check(token) {
                // Tokens are decoded so strictly that none that is accepted, or looked up, can be
                // anything else: only of those that are refused it has to be found out.
                Check::Done(Err(_)) if !is_token68(token) => {
                    Check::Done(Err(AuthErrorKind::InvalidRequest.into()))
                }
                check => check,
            },
            Ok(None) => Check::Done(Err(AuthErrorKind::MissingCredentials.into())),
            Err(kind) => Check::Done(Err(kind.into())),
        }
    }

    /// Puts what is known about the request's token into its extensions, or refuses the request.
    pub(super) fn admit<B>(
        &self,
        request: &mut http::Request<B>,
        checked: Result<Claims<C>, AuthError>,
    ) -> Result<(), AuthError> {
        let extensions = request.extensions_mut();
        match checked {
            Ok(claims) => {
                trace!("token accepted");
                extensions.insert(claims);
            }
            Err(error) if self.tolerates(&error) => {
                debug!(kind = ?error.kind(), "request goes on without claims");
                // An outer layer may have found claims that this one does not vouch for.
                extensions.remove::<Claims<C>>();
                extensions.insert(Anonymous::<C>::new());
            }
            Err(error) => return Err(error),
        }
        Ok(())
    }

    fn tolerates(&self, error: &AuthError) -> bool {
        match (self.optional, error.kind()) {
            (Some(_), AuthErrorKind::MissingCredentials) => true,
            (Some(InvalidToken::Ignore), kind) => kind.status() == http::StatusCode::UNAUTHORIZED,
            _ => false,
        }
    }

    pub(super) fn reject<B>(&self, error: AuthError) -> http::Response<B>
    where
        R: Rejection<B>,
    {
        respond_with(&self.rejection, error, |error| self.challenges.of(error))
    }
}
