//! Is this token good? Verify it, then ask the store. One place decides.

use std::{any::type_name, marker::PhantomData};

use futures::future::BoxFuture;
use http::Extensions;
use serde::de::DeserializeOwned;

use crate::{
    error::{AuthError, AuthErrorKind},
    store::{SharedStore, TokenRef},
    token::{Claims, TokenType, Verifier},
    trace::in_span,
};

/// The realm of challenges unless configured otherwise.
pub(crate) const DEFAULT_REALM: &str = "api";

/// A verifier, and the store that is asked about what it lets through.
pub(crate) struct Checker<C> {
    verifier: Verifier<C>,
    store: Option<SharedStore>,
}

/// The outcome of [`Checker::check`]: mostly at hand, else still with the store.
pub(crate) enum Check<C> {
    Done(Result<Claims<C>, AuthError>),
    Lookup(BoxFuture<'static, Result<Claims<C>, AuthError>>),
}

impl<C> Checker<C> {
    pub(crate) const fn new(verifier: Verifier<C>, store: Option<SharedStore>) -> Self {
        Self { verifier, store }
    }

    pub(crate) fn with_store(self, store: SharedStore) -> Self {
        Self { store: Some(store), ..self }
    }
}

impl<C: DeserializeOwned + Send + Sync + 'static> Checker<C> {
    pub(crate) fn check(&self, token: &str) -> Check<C> {
        let claims = match (self.verifier.verify(token), &self.store) {
            (Ok(claims), Some(store)) => match store.is_revoked_now(&token_ref(&claims)) {
                Some(revoked) => admit_unless(revoked, claims),
                None => {
                    let store = store.clone();
                    let lookup = async move {
                        let revoked = store.is_revoked(&token_ref(&claims)).await?;
                        admit_unless(revoked, claims)
                    };
                    return Check::Lookup(Box::pin(in_span!("token_revocation_lookup", lookup)));
                }
            },
            (result, _) => result,
        };
        Check::Done(claims)
    }

    pub(crate) async fn check_now(&self, token: &str) -> Result<Claims<C>, AuthError> {
        match self.check(token) {
            Check::Done(result) => result,
            Check::Lookup(lookup) => lookup.await,
        }
    }
}

impl<C> Clone for Checker<C> {
    fn clone(&self) -> Self {
        Self { verifier: self.verifier.clone(), store: self.store.clone() }
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
    let token = TokenRef::new(claims.user_id(), issued_at).with_jti(claims.jti());
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
