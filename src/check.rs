//! Decides whether a token is valid: verifies it, with keys that may have to be fetched first, or has
//! it introspected, checks that its sender possesses the key to which it is bound, then asks the
//! store. No other file decides this.

use std::{iter, sync::Arc};

use futures::{
    future::BoxFuture,
    stream::{FuturesUnordered, StreamExt},
};
use memchr::memchr;
use serde::de::DeserializeOwned;

use crate::{
    clock::NumericDate,
    error::{AuthError, AuthErrorKind, log_rejection},
    metrics::{HotCounter, count_hot},
    possession::{Evidence, PossessionPolicy, Presentation, UnusedProof, dpop_error},
    store::{MAX_ID_LEN, Scope, SharedStore, TokenRef},
    token::{
        Claims, Confirmation, KeyThumbprint, Lookup, SharedOpaqueTokens, TokenType, Verification,
        Verifier, binding_error, is_compact_jws,
    },
    trace::in_span,
};

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

/// Which issuer's users the store is asked about.
#[derive(Clone, Copy)]
enum Users {
    /// Those of the store's issuer, which is that of all tokens.
    OfStore,
    /// Those of the token's issuer.
    OfToken { is_issuer_required: bool },
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

impl Users {
    async fn is_revoked<C>(
        self,
        store: &SharedStore,
        claims: &Claims<C>,
    ) -> Result<bool, AuthError> {
        let lookup = |(scope, token)| async move { store.is_revoked(scope, &token).await };
        let mut results: FuturesUnordered<_> = self.lookups(store, claims).map(lookup).collect();
        let mut outcome = Ok(false);
        while let Some(revoked) = results.next().await {
            match revoked {
                Ok(true) => return Ok(true),
                Ok(false) => {}
                // Another lookup may still find a revocation.
                Err(error) => outcome = Err(error),
            }
        }
        outcome
    }

    fn is_revoked_now<C>(self, store: &SharedStore, claims: &Claims<C>) -> Option<bool> {
        for (scope, token) in self.lookups(store, claims) {
            if store.is_revoked_now(scope, &token)? {
                return Some(true);
            }
        }
        Some(false)
    }

    /// The scopes and tokens to look up. The token is revoked if one of them is.
    fn lookups<'a, C>(
        self,
        store: &'a SharedStore,
        claims: &'a Claims<C>,
    ) -> impl Iterator<Item = (Scope<'a>, TokenRef<'a>)> {
        let token = token_ref(claims);
        // Users of another issuer, or of another name of it, need not have the token's session.
        let of_other = TokenRef { refresh: false, ..token };
        let (issuer, other_names, without_issuer, of_provider) = match (self, claims.issuer()) {
            (Self::OfStore, _) => (store.issuer(), None, None, None),
            (Self::OfToken { is_issuer_required }, issuer) => {
                // An issuer without `iss` may have revoked this token of another issuer, unless no
                // store can have the id of the user.
                let is_asked = !is_issuer_required
                    && issuer.is_some()
                    && claims.user_id().as_str().len() <= MAX_ID_LEN;
                let names = Some(claims.other_issuer_names());
                (issuer, names, is_asked.then_some(Scope::Unscoped), issuer.map(|_| claims))
            }
        };
        let others = other_names.clone().into_iter().flatten().map(Scope::Users);
        let others = others.chain(without_issuer).map(move |scope| (scope, of_other));
        let logouts = of_provider.into_iter().flat_map(move |claims| {
            let names = issuer.into_iter().chain(other_names.clone().into_iter().flatten());
            names.flat_map(move |name| logout_lookups(name, claims))
        });
        iter::once((Scope::of_users(issuer), token)).chain(logouts).chain(others)
    }
}

/// What a logout token of the issuer may have ended: the session, whose user it need not name, and the
/// user, whom it names by `sub`.
fn logout_lookups<'a, C>(
    issuer: &'a str,
    claims: &'a Claims<C>,
) -> impl Iterator<Item = (Scope<'a>, TokenRef<'a>)> {
    let session = claims.session_id().map(|id| {
        // Without `iat`, it counts as older than every revocation.
        (Scope::Sessions(issuer), TokenRef::new(id, NumericDate::default()))
    });
    let subject = claims.subject().filter(|subject| *subject != claims.user_id().as_str());
    let user = subject.map(|subject| {
        let issued_at = claims.issued_at().unwrap_or_default();
        (Scope::Users(issuer), TokenRef::new(subject, issued_at))
    });
    session.into_iter().chain(user)
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

/// The session of a refresh token, and whether the store may not know it yet.
///
/// A token without `sid` was issued by another issuer. Its own id then identifies the session.
pub(crate) fn refresh_session<C: ?Sized>(claims: &Claims<C>) -> (&str, bool) {
    match claims.session_id() {
        Some(session_id) => (session_id, false),
        None => (claims.jti().unwrap_or_default(), true),
    }
}

/// Checks that the sender of a refresh token possesses the key to which it is bound, and uses the
/// proof. Returns the thumbprint of the key.
///
/// A token that is not bound needs no proof. It is rejected if tokens must be bound.
pub(crate) async fn check_refresh_binding<C>(
    claims: &Claims<C>,
    proof: Option<UnusedProof>,
) -> Result<Option<KeyThumbprint>, AuthError> {
    let key = proven_key(claims, proof.as_ref())?;
    match (key, proof) {
        (Some(_), Some(proof)) => proof.use_once().await?,
        (None, Some(proof)) if proof.is_required() => return Err(binding_error("bound to a key")),
        _ => {}
    }
    Ok(key)
}

/// Checks that the sender of the token of a second step possesses the key to which the first step has
/// bound it. Returns the thumbprint of the key to which the tokens will be bound: that one, or that of
/// the proof.
#[cfg(feature = "routes")]
pub(crate) fn check_step_binding<C>(
    claims: &Claims<C>,
    proof: Option<&UnusedProof>,
) -> Result<Option<KeyThumbprint>, AuthError> {
    let key = proven_key(claims, proof)?;
    Ok(key.or(proof.map(UnusedProof::key)))
}

/// The thumbprint of the key to which a token of this crate is bound. Fails unless the proof is one of
/// this key.
fn proven_key<C>(
    claims: &Claims<C>,
    proof: Option<&UnusedProof>,
) -> Result<Option<KeyThumbprint>, AuthError> {
    let key = match claims.confirmation()? {
        None => return Ok(None),
        Some(Confirmation { jkt: Some(key), x5t_s256: None }) => key,
        Some(_) => return Err(binding_error("not bound to a certificate")),
    };
    let proof = proof.ok_or_else(|| dpop_error("DPoP", "expected a proof"))?;
    if proof.key() != key {
        return Err(dpop_error("jwk", "expected the key to which the token is bound"));
    }
    Ok(Some(key))
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
