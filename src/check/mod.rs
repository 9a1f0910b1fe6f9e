//! Decides whether a token is valid: verifies it, with keys that may have to be fetched first, or has
//! it introspected, checks that its sender possesses the key to which it is bound, then asks the
//! store. Nothing else decides this.

mod binding;
mod revocation;

use std::sync::Arc;

use futures::future::BoxFuture;
use memchr::memchr;
use serde::de::DeserializeOwned;

use crate::{
    error::{AuthError, AuthErrorKind, log_rejection},
    metrics::{HotCounter, count_hot},
    possession::{Evidence, PossessionPolicy, Presentation},
    store::SharedStore,
    token::{Claims, Lookup, SharedOpaqueTokens, Verification, Verifier, is_compact_jws},
    trace::in_span,
};

use self::revocation::Users;
pub(crate) use binding::check_refresh_binding;
#[cfg(feature = "routes")]
pub(crate) use binding::check_step_binding;
pub(crate) use revocation::{refresh_session, session_start, token_ref};

/// Where claims come from, and the store that knows which tokens were revoked.
pub(crate) struct Checker<C> {
    tokens: Tokens<C>,
    store: Option<SharedStore>,
    /// `None` if tokens that are bound to a key are rejected.
    possession: Option<Arc<PossessionPolicy>>,
    /// Those of tokens that are verified.
    users: Users,
    /// Whether tokens are accepted while the store does not respond.
    fail_open: bool,
    accepted: HotCounter,
}

/// How the claims of a token are found.
enum Tokens<C> {
    Verified(Verifier<C>),
    /// All that are not JWTs are opaque.
    VerifiedOrOpaque(Verifier<C>, SharedOpaqueTokens<C>),
    Opaque(SharedOpaqueTokens<C>),
}

/// What the sender of a token shows about the keys that it possesses.
#[derive(Clone, Copy)]
enum Sender<E> {
    ShowsNothing,
    /// It presents the token in this way, with this evidence.
    Shows(Presentation, E),
    #[cfg(feature = "routes")]
    IsIrrelevant,
}

/// The result of [`Checker::check`], or a future of it while a store or a key server has to be
/// waited for.
pub(crate) enum Check<C> {
    Done(Result<Claims<C>, AuthError>),
    Pending(BoxFuture<'static, Result<Claims<C>, AuthError>>),
}

impl<C> Checker<C> {
    pub(crate) const fn new(verifier: Verifier<C>, store: Option<SharedStore>) -> Self {
        Self::with_tokens(Tokens::Verified(verifier), store)
    }

    const fn with_tokens(tokens: Tokens<C>, store: Option<SharedStore>) -> Self {
        let accepted = HotCounter::new();
        let (possession, users) = (None, Users::OfStore);
        Self { tokens, store, possession, users, fail_open: false, accepted }
    }

    /// Whether every accepted token is intended for a configured audience.
    pub(crate) fn requires_audience(&self) -> bool {
        match &self.tokens {
            Tokens::Verified(verifier) => verifier.requires_audience(),
            Tokens::VerifiedOrOpaque(verifier, opaque) => {
                verifier.requires_audience() && opaque.requires_audience()
            }
            Tokens::Opaque(opaque) => opaque.requires_audience(),
        }
    }

    /// Whether tokens for `audience` are accepted, as far as the audiences are known.
    pub(crate) fn accepts_audience(&self, audience: &str) -> bool {
        match &self.tokens {
            Tokens::Verified(verifier) => verifier.accepts_audience(audience),
            Tokens::VerifiedOrOpaque(verifier, opaque) => {
                verifier.accepts_audience(audience) && opaque.accepts_audience(audience)
            }
            Tokens::Opaque(opaque) => opaque.accepts_audience(audience),
        }
    }

    /// Accepts tokens that are bound to a key, as the policy allows.
    pub(crate) fn with_possession(
        self,
        change: impl FnOnce(PossessionPolicy) -> PossessionPolicy,
    ) -> Self {
        let policy = self.possession.map(Arc::unwrap_or_clone).unwrap_or_default();
        Self { possession: Some(Arc::new(change(policy))), ..self }
    }

    #[cfg(feature = "openapi")]
    pub(crate) fn dpop(&self) -> Option<&crate::possession::Dpop> {
        self.possession.as_ref()?.dpop()
    }

    pub(crate) fn with_store(self, store: SharedStore, fail_open: bool) -> Self {
        let is_issuer_required = match &self.tokens {
            Tokens::Verified(verifier) | Tokens::VerifiedOrOpaque(verifier, _) => {
                verifier.requires_issuer()
            }
            Tokens::Opaque(opaque) => opaque.requires_issuer(),
        };
        let users = Users::OfToken { is_issuer_required };
        Self { store: Some(store), users, fail_open, ..self }
    }
}

#[cfg(feature = "introspection")]
impl<C> Checker<C> {
    /// Treats all tokens as opaque.
    pub(crate) fn opaque(opaque: SharedOpaqueTokens<C>) -> Self {
        Self::with_tokens(Tokens::Opaque(opaque), None)
    }

    /// Treats all tokens that are not JWTs as opaque.
    pub(crate) fn with_opaque(self, opaque: SharedOpaqueTokens<C>) -> Self {
        let tokens = match self.tokens {
            Tokens::Verified(verifier) | Tokens::VerifiedOrOpaque(verifier, _) => {
                Tokens::VerifiedOrOpaque(verifier, opaque)
            }
            Tokens::Opaque(_) => Tokens::Opaque(opaque),
        };
        Self { tokens, ..self }
    }
}

impl<C: DeserializeOwned + Send + Sync + 'static> Checker<C> {
    /// Checks a token of a request. `evidence` is what the request shows about the keys of its
    /// sender.
    pub(crate) fn check_sent(
        &self,
        token: &[u8],
        presentation: Presentation,
        evidence: impl Fn() -> Evidence + Copy,
    ) -> Check<C> {
        if self.possession.is_none() {
            return self.check(token);
        }
        self.check_from(Sender::Shows(presentation, evidence), token)
    }

    /// Checks a token whose sender shows nothing else. It must not be bound to a key.
    pub(crate) fn check(&self, token: &[u8]) -> Check<C> {
        self.check_from(Sender::SHOWS_NOTHING, token)
    }

    pub(crate) async fn check_async(&self, token: &str) -> Result<Claims<C>, AuthError> {
        self.check(token.as_bytes()).finish().await
    }

    /// Checks a token for a party that does not accept it itself. The token may be bound to a key.
    #[cfg(feature = "routes")]
    pub(crate) async fn check_unproven(&self, token: &str) -> Result<Claims<C>, AuthError> {
        self.check_from(Sender::IS_IRRELEVANT, token.as_bytes()).finish().await
    }

    #[inline]
    fn check_from<E>(&self, sender: Sender<E>, token: &[u8]) -> Check<C>
    where
        E: Fn() -> Evidence + Copy,
    {
        match &self.tokens {
            Tokens::Verified(verifier) => self.verify(verifier, token, sender),
            Tokens::VerifiedOrOpaque(verifier, opaque) => {
                // Most opaque tokens have no dot.
                if memchr(b'.', token).is_none() {
                    return self.look_up(opaque, token, sender);
                }
                match self.verify(verifier, token, sender) {
                    Check::Done(Err(_)) if !is_compact_jws(token) => {
                        self.look_up(opaque, token, sender)
                    }
                    check => check,
                }
            }
            Tokens::Opaque(opaque) => self.look_up(opaque, token, sender),
        }
    }

    #[inline]
    fn verify<E>(&self, verifier: &Verifier<C>, token: &[u8], sender: Sender<E>) -> Check<C>
    where
        E: Fn() -> Evidence,
    {
        let fetch = match verifier.verify_or_fetch(token) {
            Verification::Done(Ok(claims)) => {
                return self.check_possession(claims, token, sender, self.users);
            }
            Verification::Done(Err(error)) => return Check::Done(Err(error)),
            Verification::FetchKeys(fetch) => fetch,
        };
        let (checker, verifier) = (self.clone(), verifier.clone());
        let (token, sender) = (token.to_owned(), sender.into_owned());
        Check::Pending(Box::pin(async move {
            in_span!("token_key_fetch", fetch).await;
            let claims = verifier.verify_bytes(&token)?;
            checker.check_possession(claims, &token, sender, checker.users).finish().await
        }))
    }

    /// The users of opaque tokens are those of the token's issuer, even if the store is that of an
    /// issuer of this crate, which issues JWTs.
    fn look_up<E>(
        &self,
        opaque: &SharedOpaqueTokens<C>,
        token: &[u8],
        sender: Sender<E>,
    ) -> Check<C>
    where
        E: Fn() -> Evidence,
    {
        let users = Users::OfToken { is_issuer_required: opaque.requires_issuer() };
        let pending = match opaque.look_up(token) {
            Lookup::Known(Ok(claims)) => {
                return self.check_possession(claims, token, sender, users);
            }
            Lookup::Known(Err(error)) => return Check::Done(Err(error)),
            Lookup::Pending(claims) => claims,
        };
        let checker = self.clone();
        let (token, sender) = (token.to_owned(), sender.into_owned());
        Check::Pending(Box::pin(async move {
            let claims = in_span!("token_introspection", pending).await?;
            checker.check_possession(claims, &token, sender, users).finish().await
        }))
    }

    /// Checks that the sender possesses the key to which the token is bound, then the store.
    #[inline]
    fn check_possession<E>(
        &self,
        claims: Claims<C>,
        token: &[u8],
        sender: Sender<E>,
        users: Users,
    ) -> Check<C>
    where
        E: FnOnce() -> Evidence,
    {
        let proof = match (sender, &self.possession) {
            #[cfg(feature = "routes")]
            (Sender::IsIrrelevant, _) => Ok(None),
            (Sender::Shows(presentation, evidence), Some(policy)) => {
                policy.check(&claims, token, presentation, evidence)
            }
            (Sender::Shows(..) | Sender::ShowsNothing, _) => {
                claims.require_unbound().map(|()| None)
            }
        };
        match proof {
            Ok(None) => self.check_revocation(claims, users),
            Ok(Some(proof)) => {
                let checker = self.clone();
                Check::Pending(Box::pin(async move {
                    proof.use_once().await?;
                    checker.check_revocation(claims, users).finish().await
                }))
            }
            Err(error) => Check::Done(Err(error)),
        }
    }

    fn check_revocation(&self, claims: Claims<C>, users: Users) -> Check<C> {
        let Some(store) = &self.store else {
            return Check::Done(accept_unless(false, claims, &self.accepted));
        };
        if let Some(revoked) = users.is_revoked_now(store, &claims) {
            return Check::Done(accept_unless(revoked, claims, &self.accepted));
        }
        let (store, fail_open) = (store.clone(), self.fail_open);
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

impl Sender<fn() -> Evidence> {
    const SHOWS_NOTHING: Self = Self::ShowsNothing;
    #[cfg(feature = "routes")]
    const IS_IRRELEVANT: Self = Self::IsIrrelevant;
}

impl<E: FnOnce() -> Evidence> Sender<E> {
    /// The same, without a borrow of the request.
    fn into_owned(self) -> Sender<impl FnOnce() -> Evidence + Send + 'static> {
        match self {
            Self::ShowsNothing => Sender::ShowsNothing,
            Self::Shows(presentation, evidence) => {
                let evidence = evidence();
                Sender::Shows(presentation, move || evidence)
            }
            #[cfg(feature = "routes")]
            Self::IsIrrelevant => Sender::IsIrrelevant,
        }
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
        let Self { tokens, store, possession, users, fail_open, accepted } = self;
        let (tokens, store, accepted) = (tokens.clone(), store.clone(), accepted.clone());
        let possession = possession.clone();
        Self { tokens, store, possession, users: *users, fail_open: *fail_open, accepted }
    }
}

impl<C> Clone for Tokens<C> {
    fn clone(&self) -> Self {
        match self {
            Self::Verified(verifier) => Self::Verified(verifier.clone()),
            Self::VerifiedOrOpaque(verifier, opaque) => {
                Self::VerifiedOrOpaque(verifier.clone(), Arc::clone(opaque))
            }
            Self::Opaque(opaque) => Self::Opaque(Arc::clone(opaque)),
        }
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
