//! Decides whether a token is valid: verifies it, with keys that may have to be fetched first, then
//! asks the store. No other file decides this.

use std::iter;

use futures::future::BoxFuture;
use serde::de::DeserializeOwned;

use crate::{
    clock::NumericDate,
    error::{AuthError, AuthErrorKind, log_rejection},
    metrics::{HotCounter, count_hot},
    store::{MAX_ID_LEN, SharedStore, TokenRef},
    token::{Claims, TokenType, Verification, Verifier},
    trace::in_span,
};

/// A verifier, and the store that knows which of its tokens were revoked.
pub(crate) struct Checker<C> {
    verifier: Verifier<C>,
    store: Option<SharedStore>,
    users: Users,
    /// Whether tokens are accepted while the store does not respond.
    fail_open: bool,
    accepted: HotCounter,
}

/// Which issuer's users the store is asked about.
#[derive(Clone, Copy)]
enum Users {
    /// Those of the store's issuer, which is that of all tokens.
    OfStore,
    /// Those of the token's issuer.
    OfToken { is_issuer_required: bool },
}

/// The result of [`Checker::check`], or a future of it while a store or a key server has to be
/// waited for.
pub(crate) enum Check<C> {
    Done(Result<Claims<C>, AuthError>),
    Pending(BoxFuture<'static, Result<Claims<C>, AuthError>>),
}

impl<C> Checker<C> {
    pub(crate) const fn new(verifier: Verifier<C>, store: Option<SharedStore>) -> Self {
        let accepted = HotCounter::new();
        Self { verifier, store, users: Users::OfStore, fail_open: false, accepted }
    }

    /// Whether every accepted token is intended for a configured audience.
    pub(crate) fn requires_audience(&self) -> bool {
        self.verifier.requires_audience()
    }

    pub(crate) fn with_store(self, store: SharedStore, fail_open: bool) -> Self {
        let users = Users::OfToken { is_issuer_required: self.verifier.requires_issuer() };
        Self { store: Some(store), users, fail_open, ..self }
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
            return Check::Done(accept_unless(false, claims, &self.accepted));
        };
        if let Some(revoked) = self.users.is_revoked_now(store, &claims) {
            return Check::Done(accept_unless(revoked, claims, &self.accepted));
        }
        let (store, users, fail_open) = (store.clone(), self.users, self.fail_open);
        let accepted = self.accepted.clone();
        let lookup = async move {
            let revoked = match users.is_revoked(&store, &claims).await {
                Err(error) if fail_open && error.kind() == AuthErrorKind::Unavailable => {
                    log_rejection!(
                        warn,
                        &error,
                        "token accepted without a revocation check: the store did not respond"
                    );
                    false
                }
                revoked => revoked?,
            };
            accept_unless(revoked, claims, &accepted)
        };
        Check::Pending(Box::pin(in_span!("token_revocation_lookup", lookup)))
    }
}

impl Users {
    async fn is_revoked<C>(
        self,
        store: &SharedStore,
        claims: &Claims<C>,
    ) -> Result<bool, AuthError> {
        for (issuer, token) in self.lookups(store, claims) {
            if store.is_revoked(issuer, &token).await? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn is_revoked_now<C>(self, store: &SharedStore, claims: &Claims<C>) -> Option<bool> {
        for (issuer, token) in self.lookups(store, claims) {
            if store.is_revoked_now(issuer, &token)? {
                return Some(true);
            }
        }
        Some(false)
    }

    /// The issuers and tokens to look up. The token is revoked if one of them is.
    fn lookups<'a, C>(
        self,
        store: &'a SharedStore,
        claims: &'a Claims<C>,
    ) -> impl Iterator<Item = (Option<&'a str>, TokenRef<'a>)> {
        let token = token_ref(claims);
        // Users of another issuer, or of another name of it, need not have the token's session.
        let of_other = TokenRef { refresh: false, ..token };
        let (issuer, other_names, without_issuer) = match (self, claims.issuer()) {
            (Self::OfStore, _) => (store.issuer(), None, None),
            (Self::OfToken { is_issuer_required }, issuer) => {
                // An issuer without `iss` may have revoked this token of another issuer, unless no
                // store can have the id of the user.
                let is_asked = !is_issuer_required
                    && issuer.is_some()
                    && claims.user_id().as_str().len() <= MAX_ID_LEN;
                (issuer, Some(claims.other_issuer_names()), is_asked.then_some(None))
            }
        };
        let others = other_names.into_iter().flatten().map(Some).chain(without_issuer);
        iter::once((issuer, token)).chain(others.map(move |issuer| (issuer, of_other)))
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
        let Self { verifier, store, users, fail_open, accepted } = self;
        let (verifier, store, accepted) = (verifier.clone(), store.clone(), accepted.clone());
        Self { verifier, store, users: *users, fail_open: *fail_open, accepted }
    }
}

fn accept_unless<C>(
    revoked: bool,
    claims: Claims<C>,
    accepted: &HotCounter,
) -> Result<Claims<C>, AuthError> {
    if revoked {
        return Err(AuthErrorKind::Revoked.into());
    }
    count_hot!(accepted, "jwt_auth_accepted_tokens_total");
    Ok(claims)
}

/// The session of a refresh token, and whether the store may not know it yet.
///
/// A token without `sid` was issued by another issuer. Its own id then identifies the session.
pub(crate) fn refresh_session<C: ?Sized>(claims: &Claims<C>) -> (&str, bool) {
    match claims.session_id() {
        Some(session_id) => (session_id, false),
        None => (claims.jti().unwrap_or_default(), true),
    }
}

/// When the session of a refresh token began.
pub(crate) fn auth_time<C: ?Sized>(claims: &Claims<C>) -> NumericDate {
    claims.auth_time().or(claims.issued_at()).unwrap_or_default()
}

/// The ids and times by which a store knows the token of `claims`.
pub(crate) fn token_ref<C: ?Sized>(claims: &Claims<C>) -> TokenRef<'_> {
    let issued_at = claims.issued_at().unwrap_or_default();
    let token = TokenRef::new(claims.user_id().as_str(), issued_at).with_jti(claims.jti());
    if claims.token_type() == Some(&TokenType::Refresh) {
        let (session_id, adopt) = refresh_session(claims);
        token.with_session(Some(session_id)).as_refresh(adopt)
    } else {
        token.with_session(claims.session_id())
    }
}
