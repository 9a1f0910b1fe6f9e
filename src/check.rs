//! Decides whether a token is valid: verifies it, with keys that may have to be fetched first, then
//! asks the store. No other file decides this.

use futures::future::BoxFuture;
use serde::de::DeserializeOwned;

use crate::{
    error::{AuthError, AuthErrorKind},
    store::{SharedStore, TokenRef},
    token::{Claims, TokenType, Verification, Verifier},
    trace::{in_span, warn},
};

/// A verifier, and the store that knows which of its tokens were revoked.
pub(crate) struct Checker<C> {
    verifier: Verifier<C>,
    store: Option<SharedStore>,
    /// Whether tokens are accepted while the store does not respond.
    fail_open: bool,
}

/// The result of [`Checker::check`], or a future of it while a store or a key server has to be
/// waited for.
pub(crate) enum Check<C> {
    Done(Result<Claims<C>, AuthError>),
    Pending(BoxFuture<'static, Result<Claims<C>, AuthError>>),
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
            Verification::Done(Ok(claims)) => return self.check_revocation(claims),
            Verification::Done(Err(error)) => return Check::Done(Err(error)),
            Verification::FetchKeys(fetch) => fetch,
        };
        let (checker, token) = (self.clone(), token.to_owned());
        Check::Pending(Box::pin(async move {
            in_span!("token_key_fetch", fetch).await;
            let claims = checker.verifier.verify_bytes(&token)?;
            checker.check_revocation(claims).finish().await
        }))
    }

    pub(crate) async fn check_async(&self, token: &str) -> Result<Claims<C>, AuthError> {
        self.check(token.as_bytes()).finish().await
    }

    fn check_revocation(&self, claims: Claims<C>) -> Check<C> {
        let Some(store) = &self.store else {
            return Check::Done(Ok(claims));
        };
        if let Some(revoked) = store.is_revoked_now(&token_ref(&claims)) {
            return Check::Done(accept_unless(revoked, claims));
        }
        let (store, fail_open) = (store.clone(), self.fail_open);
        let lookup = async move {
            let revoked = match store.is_revoked(&token_ref(&claims)).await {
                Err(error) if fail_open && error.kind() == AuthErrorKind::Unavailable => {
                    warn!("token accepted without a revocation check: the store did not respond");
                    false
                }
                revoked => revoked?,
            };
            accept_unless(revoked, claims)
        };
        Check::Pending(Box::pin(in_span!("token_revocation_lookup", lookup)))
    }
}

impl<C> Check<C> {
    async fn finish(self) -> Result<Claims<C>, AuthError> {
        match self {
            Self::Done(result) => result,
            Self::Pending(result) => result.await,
        }
    }
}

impl<C> Clone for Checker<C> {
    fn clone(&self) -> Self {
        let Self { verifier, store, fail_open } = self;
        Self { verifier: verifier.clone(), store: store.clone(), fail_open: *fail_open }
    }
}

fn accept_unless<C>(revoked: bool, claims: Claims<C>) -> Result<Claims<C>, AuthError> {
    if revoked { Err(AuthErrorKind::Revoked.into()) } else { Ok(claims) }
}

/// The session of a refresh token, and whether the store may not know it yet.
///
/// A token without `sid` was issued by another issuer. Its own id then identifies the session.
pub(crate) fn refresh_session<C>(claims: &Claims<C>) -> (&str, bool) {
    match claims.session_id() {
        Some(session_id) => (session_id, false),
        None => (claims.jti().unwrap_or_default(), true),
    }
}

/// The ids and times by which a store knows the token of `claims`.
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
