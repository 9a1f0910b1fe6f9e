//! A store of any type, with a deadline on every call.

use std::{
    borrow::Cow, error::Error, fmt, future::Future, pin::pin, sync::Arc, task::Poll, time::Duration,
};

use futures::future::BoxFuture;

use crate::{
    clock::NumericDate,
    error::{AuthError, AuthErrorKind, ConfigError},
    metrics::{Stopwatch, observe},
    token::UserId,
};

use super::{
    error::{StoreError, StoreErrorKind},
    facts::{
        Begun, Consume, Consumed, Generation, NewSession, Page, Revocation, SessionPage, Spend,
        Spent, TokenRef, check_lengths,
    },
    scope::{Scope, scoped_user_id},
    token_store::TokenStore,
};

/// How long a call to a store may take by default.
pub(crate) const DEFAULT_DEADLINE: Duration = Duration::from_secs(2);

/// Rejects a deadline that no store can meet.
pub(crate) fn check_deadline(deadline: Duration) -> Result<(), ConfigError> {
    if deadline.is_zero() {
        return Err(ConfigError::out_of_range("the store deadline must not be zero"));
    }
    Ok(())
}

/// The object-safe twin of [`TokenStore`].
trait DynStore: Send + Sync {
    fn generation(&self) -> BoxFuture<'_, Result<Generation, StoreError>>;
    fn begin<'a>(&'a self, session: &'a NewSession<'_>)
    -> BoxFuture<'a, Result<Begun, StoreError>>;
    fn spend<'a>(&'a self, spend: &'a Spend<'_>) -> BoxFuture<'a, Result<Spent, StoreError>>;
    fn consume<'a>(
        &'a self,
        consume: &'a Consume<'_>,
        now: NumericDate,
    ) -> BoxFuture<'a, Result<Consumed, StoreError>>;
    fn revoke<'a>(
        &'a self,
        revocation: &'a Revocation<'_>,
        now: NumericDate,
    ) -> BoxFuture<'a, Result<(), StoreError>>;
    fn is_revoked<'a>(&'a self, token: &'a TokenRef<'_>)
    -> BoxFuture<'a, Result<bool, StoreError>>;
    fn is_revoked_now(&self, token: &TokenRef<'_>) -> Option<bool>;
    fn sessions<'a>(
        &'a self,
        user_id: &'a UserId,
        now: NumericDate,
        page: Page<'a>,
    ) -> BoxFuture<'a, Result<SessionPage, StoreError>>;
    fn set_label<'a>(
        &'a self,
        user_id: &'a UserId,
        session_id: &'a str,
        label: Option<&'a str>,
        now: NumericDate,
    ) -> BoxFuture<'a, Result<bool, StoreError>>;
    fn ping(&self) -> BoxFuture<'_, Result<(), StoreError>>;
}

impl<S: TokenStore> DynStore for S {
    fn generation(&self) -> BoxFuture<'_, Result<Generation, StoreError>> {
        Box::pin(TokenStore::generation(self))
    }

    fn begin<'a>(
        &'a self,
        session: &'a NewSession<'_>,
    ) -> BoxFuture<'a, Result<Begun, StoreError>> {
        Box::pin(TokenStore::begin(self, session))
    }

    fn spend<'a>(&'a self, spend: &'a Spend<'_>) -> BoxFuture<'a, Result<Spent, StoreError>> {
        Box::pin(TokenStore::spend(self, spend))
    }

    fn consume<'a>(
        &'a self,
        consume: &'a Consume<'_>,
        now: NumericDate,
    ) -> BoxFuture<'a, Result<Consumed, StoreError>> {
        Box::pin(TokenStore::consume(self, consume, now))
    }

    fn revoke<'a>(
        &'a self,
        revocation: &'a Revocation<'_>,
        now: NumericDate,
    ) -> BoxFuture<'a, Result<(), StoreError>> {
        Box::pin(TokenStore::revoke(self, revocation, now))
    }

    fn is_revoked<'a>(
        &'a self,
        token: &'a TokenRef<'_>,
    ) -> BoxFuture<'a, Result<bool, StoreError>> {
        Box::pin(TokenStore::is_revoked(self, token))
    }

    fn is_revoked_now(&self, token: &TokenRef<'_>) -> Option<bool> {
        TokenStore::is_revoked_now(self, token)
    }

    fn sessions<'a>(
        &'a self,
        user_id: &'a UserId,
        now: NumericDate,
        page: Page<'a>,
    ) -> BoxFuture<'a, Result<SessionPage, StoreError>> {
        Box::pin(TokenStore::sessions(self, user_id, now, page))
    }

    fn set_label<'a>(
        &'a self,
        user_id: &'a UserId,
        session_id: &'a str,
        label: Option<&'a str>,
        now: NumericDate,
    ) -> BoxFuture<'a, Result<bool, StoreError>> {
        Box::pin(TokenStore::set_label(self, user_id, session_id, label, now))
    }

    fn ping(&self) -> BoxFuture<'_, Result<(), StoreError>> {
        Box::pin(TokenStore::ping(self))
    }
}

/// A [`TokenStore`] of any type, for the users of one issuer. Cheap to clone.
#[derive(Clone)]
pub(crate) struct SharedStore {
    store: Arc<dyn DynStore>,
    deadline: Duration,
    issuer: Option<Arc<str>>,
}

impl SharedStore {
    pub(crate) fn new(store: impl TokenStore, deadline: Duration) -> Self {
        Self { store: Arc::new(store), deadline, issuer: None }
    }

    /// Sets the issuer whose users the user ids of all calls denote. Default: none.
    pub(crate) fn for_users_of(self, issuer: Option<&str>) -> Self {
        Self { issuer: issuer.map(Into::into), ..self }
    }

    pub(crate) fn issuer(&self) -> Option<&str> {
        self.issuer.as_deref()
    }

    /// The scope of the user ids of all calls.
    pub(crate) fn own_users(&self) -> Scope<'_> {
        Scope::of_users(self.issuer())
    }

    pub(crate) fn with_deadline(self, deadline: Duration) -> Self {
        Self { deadline, ..self }
    }

    pub(crate) async fn generation(&self) -> Result<Generation, AuthError> {
        self.within_deadline("generation", self.store.generation()).await
    }

    pub(crate) async fn begin(&self, session: &NewSession<'_>) -> Result<Begun, AuthError> {
        self.within_deadline("begin", async {
            session.validate()?;
            let user_id = &*self.scoped(session.user_id);
            self.store.begin(&NewSession { user_id, ..*session }).await
        })
        .await
    }

    pub(crate) async fn spend(&self, spend: &Spend<'_>) -> Result<Spent, AuthError> {
        self.within_deadline("spend", async {
            spend.validate()?;
            let user_id = &*self.scoped(spend.user_id);
            self.store.spend(&Spend { user_id, ..*spend }).await
        })
        .await
    }

    pub(crate) async fn consume(
        &self,
        consume: &Consume<'_>,
        now: NumericDate,
    ) -> Result<Consumed, AuthError> {
        self.within_deadline("consume", async {
            consume.validate()?;
            let user_id = &*self.scoped(consume.user_id);
            self.store.consume(&Consume { user_id, ..*consume }, now).await
        })
        .await
    }

    pub(crate) async fn revoke(
        &self,
        revocation: &Revocation<'_>,
        now: NumericDate,
    ) -> Result<(), AuthError> {
        self.within_deadline("revoke", async {
            revocation.validate()?;
            let user_id = &*self.scoped(revocation.user_id());
            self.store.revoke(&revocation.with_user_id(user_id), now).await
        })
        .await
    }

    /// Revokes all tokens of a user that were issued up to `revoked_at`. The user's id is that of
    /// anything in `scope`.
    #[cfg(feature = "routes")]
    pub(crate) async fn revoke_in(
        &self,
        scope: Scope<'_>,
        id: &str,
        keep_until: NumericDate,
        revoked_at: NumericDate,
    ) -> Result<(), AuthError> {
        self.within_deadline("revoke", async {
            let user_id = &scope.user_id(id);
            let revocation = Revocation::User { user_id, except: None, keep_until };
            revocation.validate()?;
            self.store.revoke(&revocation, revoked_at).await
        })
        .await
    }

    /// Consumes the token `jti`, whose user is anything in `scope`.
    #[cfg(feature = "routes")]
    pub(crate) async fn consume_in(
        &self,
        scope: Scope<'_>,
        jti: &str,
        keep_until: NumericDate,
        now: NumericDate,
    ) -> Result<Consumed, AuthError> {
        self.within_deadline("consume", async {
            let user_id = scope.user_id(jti);
            let consume = Consume::token(jti, &user_id, now, keep_until);
            consume.validate()?;
            self.store.consume(&consume, now).await
        })
        .await
    }

    /// Whether a token was revoked whose user is anything in `scope`.
    pub(crate) async fn is_revoked(
        &self,
        scope: Scope<'_>,
        token: &TokenRef<'_>,
    ) -> Result<bool, AuthError> {
        self.within_deadline("is_revoked", async {
            match scope.scoped(token.user_id) {
                None => {
                    token.validate()?;
                    self.store.is_revoked(token).await
                }
                Some(user_id) => {
                    let token = TokenRef { user_id: user_id.as_str(), ..*token };
                    token.validate()?;
                    self.store.is_revoked(&token).await
                }
            }
        })
        .await
    }

    /// The result of [`is_revoked`](Self::is_revoked) if it is available without waiting.
    pub(crate) fn is_revoked_now(&self, scope: Scope<'_>, token: &TokenRef<'_>) -> Option<bool> {
        match scope.scoped(token.user_id) {
            None => {
                token.validate().ok()?;
                self.store.is_revoked_now(token)
            }
            Some(user_id) => {
                let token = TokenRef { user_id: user_id.as_str(), ..*token };
                token.validate().ok()?;
                self.store.is_revoked_now(&token)
            }
        }
    }

    pub(crate) async fn sessions(
        &self,
        user_id: &UserId,
        now: NumericDate,
        page: Page<'_>,
    ) -> Result<SessionPage, AuthError> {
        self.within_deadline("sessions", async {
            check_lengths([user_id.as_str()])?;
            self.store.sessions(&self.scoped(user_id), now, page).await
        })
        .await
    }

    pub(crate) async fn set_label(
        &self,
        user_id: &UserId,
        session_id: &str,
        label: Option<&str>,
        now: NumericDate,
    ) -> Result<bool, AuthError> {
        self.within_deadline("set_label", async {
            check_lengths([user_id.as_str(), session_id].into_iter().chain(label))?;
            self.store.set_label(&self.scoped(user_id), session_id, label, now).await
        })
        .await
    }

    fn scoped<'a>(&self, user_id: &'a UserId) -> Cow<'a, UserId> {
        match &self.issuer {
            Some(issuer) => Cow::Owned(scoped_user_id(issuer, user_id)),
            None => Cow::Borrowed(user_id),
        }
    }

    pub(crate) async fn ping(&self) -> Result<(), AuthError> {
        self.within_deadline("ping", self.store.ping()).await
    }

    async fn within_deadline<T>(
        &self,
        name: &'static str,
        call: impl Future<Output = Result<T, StoreError>>,
    ) -> Result<T, AuthError> {
        let stopwatch = Stopwatch::start();
        let mut call = pin!(call);
        // A store in memory is ready at once, and needs no timer and no runtime that has one.
        let result = match futures::poll!(&mut call) {
            Poll::Ready(result) => result,
            Poll::Pending => match tokio::time::timeout(self.deadline, call).await {
                Ok(result) => result,
                Err(_) => Err(StoreError::unavailable(DeadlineExceeded)),
            },
        };
        let outcome = match &result {
            Ok(_) => "ok",
            Err(error) if error.kind() == StoreErrorKind::InvalidInput => "invalid_input",
            Err(_) => "unavailable",
        };
        observe!("jwt_auth_store_call_seconds", "call" => name, "outcome" => outcome; stopwatch);
        result.map_err(|error| {
            let kind = match error.kind() {
                StoreErrorKind::InvalidInput => AuthErrorKind::InvalidClaims,
                StoreErrorKind::Unavailable | StoreErrorKind::Misconfigured => {
                    AuthErrorKind::Unavailable
                }
            };
            AuthError::with_source(kind, error)
        })
    }
}

#[derive(Debug)]
struct DeadlineExceeded;

impl fmt::Display for DeadlineExceeded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the deadline has passed")
    }
}

impl Error for DeadlineExceeded {}
