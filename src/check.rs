//! Is this token good? Verify it, with keys that may have to be fetched, then ask the store. One
//! place decides.

use std::{any::type_name, marker::PhantomData};

use futures::future::BoxFuture;
use http::Extensions;
use serde::de::DeserializeOwned;

use crate::{
    error::{AuthError, AuthErrorKind},
    store::{SharedStore, TokenRef},
    token::{Claims, TokenType, Verification, Verifier},
    trace::{in_span, warn},
};

/// The realm of challenges unless configured otherwise.
pub(crate) const DEFAULT_REALM: &str = "api";

/// A verifier, and the store that is asked about what it lets through.
pub(crate) struct Checker<C> {
    verifier: Verifier<C>,
    store: Option<SharedStore>,
    /// Whether a token passes that the store does not answer for.
    fail_open: bool,
}

/// The outcome of [`Checker::check`]: mostly at hand, else still with the store or a key server.
pub(crate) enum Check<C> {
    Done(Result<Claims<C>, AuthError>),
    Lookup(BoxFuture<'static, Result<Claims<C>, AuthError>>),
}

impl<C> Checker<C> {
    pub(crate) const fn new(verifier: Verifier<C>, store: Option<SharedStore>) -> Self {
        Self { verifier, store, fail_open: false }
    }

    pub(crate) fn with_store(self, store: SharedStore, fail_open: bool) -> Self {
        Self { store: Some(store), fail_open, ..self }
    }
}

impl<C: DeserializeOwned + Send + Sync + 'static> Checker<C> {
    pub(crate) fn check(&self, token: &[u8]) -> Check<C> {
        let fetch = match self.verifier.verify_or_fetch(token) {
            Verification::Done(Ok(claims)) => return self.ask_store(claims),
            Verification::Done(Err(error)) => return Check::Done(Err(error)),
            Verification::FetchKeys(fetch) => fetch,
        };
        let (checker, token) = (self.clone(), token.to_owned());
        Check::Lookup(Box::pin(async move {
            in_span!("token_key_fetch", fetch).await;
            checker.ask_store(checker.verifier.verify_bytes(&token)?).finish().await
        }))
    }

    pub(crate) async fn check_now(&self, token: &str) -> Result<Claims<C>, AuthError> {
        self.check(token.as_bytes()).finish().await
    }

    fn ask_store(&self, claims: Claims<C>) -> Check<C> {
        let Some(store) = &self.store else {
            return Check::Done(Ok(claims));
        };
        match store.is_revoked_now(&token_ref(&claims)) {
            Some(revoked) => Check::Done(admit_unless(revoked, claims)),
            None => {
                let (store, fail_open) = (store.clone(), self.fail_open);
                let lookup = async move {
                    let revoked = match store.is_revoked(&token_ref(&claims)).await {
                        Err(_) if fail_open => {
                            warn!("token let through: whether it was revoked is not known");
                            false
                        }
                        answer => answer?,
                    };
                    admit_unless(revoked, claims)
                };
                Check::Lookup(Box::pin(in_span!("token_revocation_lookup", lookup)))
            }
        }
    }
}

impl<C> Check<C> {
    async fn finish(self) -> Result<Claims<C>, AuthError> {
        match self {
            Self::Done(result) => result,
            Self::Lookup(lookup) => lookup.await,
        }
    }
}

impl<C> Clone for Checker<C> {
    fn clone(&self) -> Self {
        let Self { verifier, store, fail_open } = self;
        Self { verifier: verifier.clone(), store: store.clone(), fail_open: *fail_open }
    }
}

fn admit_unless<C>(revoked: bool, claims: Claims<C>) -> Result<Claims<C>, AuthError> {
    if revoked { Err(AuthErrorKind::Revoked.into()) } else { Ok(claims) }
}

/// The session of a refresh token: the one it names, else one that its own id stands for, which
/// the store may not know yet.
pub(crate) fn refresh_session<C>(claims: &Claims<C>) -> (&str, bool) {
    match claims.session_id() {
        Some(session_id) => (session_id, false),
        None => (claims.jti().unwrap_or_default(), true),
    }
}

/// `claims` as a store knows their token.
pub(crate) fn token_ref<C>(claims: &Claims<C>) -> TokenRef<'_> {
    let issued_at = claims.issued_at().unwrap_or_default();
    let token = TokenRef::new(claims.user_id().as_str(), issued_at).with_jti(claims.jti());
    if claims.token_type() == Some(&TokenType::Refresh) {
        let (session_id, adopt) = refresh_session(claims);
        token.with_session(Some(session_id)).as_refresh(adopt)
    } else {
        token.with_session(claims.session_id())
    }
}

/// Put into the extensions of a request that an optional layer let through without claims.
pub(crate) struct Anonymous<C>(PhantomData<fn() -> C>);

impl<C> Anonymous<C> {
    pub(crate) const fn new() -> Self {
        Self(PhantomData)
    }
}

impl<C> Clone for Anonymous<C> {
    fn clone(&self) -> Self {
        Self::new()
    }
}

/// The claims that a layer has put into a request's extensions.
pub(crate) fn found_claims<C: Send + Sync + 'static>(
    extensions: &Extensions,
) -> Result<&Claims<C>, AuthError> {
    match extensions.get::<Claims<C>>() {
        Some(claims) => Ok(claims),
        None if extensions.get::<Anonymous<C>>().is_some() => {
            Err(AuthErrorKind::MissingCredentials.into())
        }
        None => Err(AuthError::missing_layer(type_name::<C>())),
    }
}
