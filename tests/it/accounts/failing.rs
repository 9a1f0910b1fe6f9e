//! Users and sessions whose calls fail from a certain step on.

use std::sync::{Arc, Mutex};

use tower_jwt_auth::{
    MemoryStore, NumericDate,
    store::{
        Begun, Consume, Consumed, Generation, NewSession, Page, Revocation, SessionPage, Spend,
        Spent, StoreError, TokenRef, TokenStore,
    },
    token::{NoClaims, UserId},
    user::{
        Account, AccountBackend, AccountError, Authentication, BackendError, FieldProblems,
        NewAccount, SqlUsers, User, UserBackend, UsernamePassword,
    },
};

/// Whether a failed call does its work.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Failure {
    /// The service is down.
    NotDone,
    /// The response was lost.
    Done,
}

/// The calls of users and of a store, in their order. Clones share them.
#[derive(Clone, Default)]
pub(super) struct Steps(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    /// How many more calls succeed, and how all others fail. `None` if none fails.
    plan: Option<(usize, Failure)>,
    failed: bool,
}

impl Steps {
    /// Has the first `steps` calls succeed, and all others fail.
    pub(super) fn fail_from(&self, steps: usize, failure: Failure) {
        *self.0.lock().unwrap() = State { plan: Some((steps, failure)), failed: false };
    }

    /// Has all calls succeed. Returns whether a call has failed.
    pub(super) fn recover(&self) -> bool {
        std::mem::take(&mut *self.0.lock().unwrap()).failed
    }

    fn next(&self) -> Option<Failure> {
        let mut state = self.0.lock().unwrap();
        let (remaining, failure) = state.plan.as_mut()?;
        let failure = *failure;
        if *remaining > 0 {
            *remaining -= 1;
            return None;
        }
        state.failed = true;
        Some(failure)
    }

    async fn run<T, E>(
        &self,
        call: impl Future<Output = Result<T, E>>,
        unavailable: impl FnOnce() -> E,
    ) -> Result<T, E> {
        match self.next() {
            None => call.await,
            Some(Failure::NotDone) => Err(unavailable()),
            Some(Failure::Done) => {
                call.await?;
                Err(unavailable())
            }
        }
    }

    async fn users<T, E: From<BackendError>>(
        &self,
        call: impl Future<Output = Result<T, E>>,
    ) -> Result<T, E> {
        self.run(call, || BackendError::unavailable("unavailable").into()).await
    }

    async fn store<T>(
        &self,
        call: impl Future<Output = Result<T, StoreError>>,
    ) -> Result<T, StoreError> {
        self.run(call, || StoreError::unavailable("unavailable")).await
    }
}

#[derive(Clone)]
pub(super) struct FailingUsers(pub(super) SqlUsers, pub(super) Steps);

impl UserBackend<NoClaims> for FailingUsers {
    type Credentials = UsernamePassword;

    async fn authenticate(
        &self,
        credentials: UsernamePassword,
    ) -> Result<Authentication, BackendError> {
        self.1.users(self.0.authenticate(credentials)).await
    }

    async fn find(&self, id: &UserId) -> Result<Option<User>, BackendError> {
        self.1.users(self.0.find(id)).await
    }
}

impl AccountBackend<NoClaims> for FailingUsers {
    type Extra = ();

    fn user(&self, account: &Account) -> User {
        self.0.user(account)
    }

    async fn create(&self, account: NewAccount<'_>) -> Result<Account, AccountError> {
        self.1.users(self.0.create(account)).await
    }

    async fn name_problems(
        &self,
        username: Option<&str>,
        email: Option<&str>,
    ) -> Result<FieldProblems, BackendError> {
        self.1.users(self.0.name_problems(username, email)).await
    }

    async fn account(&self, id: &UserId) -> Result<Option<Account>, BackendError> {
        self.1.users(self.0.account(id)).await
    }

    async fn account_by_username(&self, username: &str) -> Result<Option<Account>, BackendError> {
        self.1.users(self.0.account_by_username(username)).await
    }

    async fn account_by_email(&self, email: &str) -> Result<Option<Account>, BackendError> {
        self.1.users(self.0.account_by_email(email)).await
    }

    async fn verify_password(
        &self,
        id: &UserId,
        password: &str,
    ) -> Result<Option<Account>, BackendError> {
        self.1.users(self.0.verify_password(id, password)).await
    }

    async fn set_password(
        &self,
        account: &Account,
        password: &str,
        session_id: Option<&str>,
    ) -> Result<Option<Account>, AccountError> {
        self.1.users(self.0.set_password(account, password, session_id)).await
    }

    async fn set_username(
        &self,
        id: &UserId,
        username: &str,
    ) -> Result<Option<Account>, AccountError> {
        self.1.users(self.0.set_username(id, username)).await
    }

    async fn set_email(
        &self,
        id: &UserId,
        email: &str,
        verified: bool,
    ) -> Result<Option<Account>, AccountError> {
        self.1.users(self.0.set_email(id, email, verified)).await
    }

    async fn mark_verified(
        &self,
        id: &UserId,
        email: &str,
    ) -> Result<Option<Account>, BackendError> {
        self.1.users(self.0.mark_verified(id, email)).await
    }

    async fn set_active(&self, id: &UserId, active: bool) -> Result<Option<Account>, BackendError> {
        self.1.users(self.0.set_active(id, active)).await
    }

    async fn delete(&self, id: &UserId) -> Result<(), BackendError> {
        self.1.users(self.0.delete(id)).await
    }
}

#[derive(Clone)]
pub(super) struct FailingStore(pub(super) MemoryStore, pub(super) Steps);

impl TokenStore for FailingStore {
    async fn generation(&self) -> Result<Generation, StoreError> {
        self.1.store(self.0.generation()).await
    }

    async fn begin(&self, session: &NewSession<'_>) -> Result<Begun, StoreError> {
        self.1.store(self.0.begin(session)).await
    }

    async fn spend(&self, spend: &Spend<'_>) -> Result<Spent, StoreError> {
        self.1.store(self.0.spend(spend)).await
    }

    async fn consume(
        &self,
        consume: &Consume<'_>,
        now: NumericDate,
    ) -> Result<Consumed, StoreError> {
        self.1.store(self.0.consume(consume, now)).await
    }

    async fn revoke(
        &self,
        revocation: &Revocation<'_>,
        now: NumericDate,
    ) -> Result<(), StoreError> {
        self.1.store(self.0.revoke(revocation, now)).await
    }

    async fn is_revoked(&self, token: &TokenRef<'_>) -> Result<bool, StoreError> {
        self.1.store(self.0.is_revoked(token)).await
    }

    async fn sessions(
        &self,
        user_id: &UserId,
        now: NumericDate,
        page: Page<'_>,
    ) -> Result<SessionPage, StoreError> {
        self.1.store(self.0.sessions(user_id, now, page)).await
    }

    async fn set_label(
        &self,
        user_id: &UserId,
        session_id: &str,
        label: Option<&str>,
        now: NumericDate,
    ) -> Result<bool, StoreError> {
        self.1.store(self.0.set_label(user_id, session_id, label, now)).await
    }

    async fn purge(&self, now: NumericDate, limit: usize) -> Result<usize, StoreError> {
        self.0.purge(now, limit).await
    }
}
