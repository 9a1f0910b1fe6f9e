//! Users that count the calls of their methods and the hashes of passwords.

use std::{
    mem,
    sync::{Arc, Mutex},
};

use tower_jwt_auth::{
    password::PasswordHasher,
    token::UserId,
    user::{
        Account, AccountBackend, AccountError, Authentication, BackendError, FieldProblems,
        NewAccount, PasswordHashing, SqlUsers, User, UserBackend, UsernamePassword,
    },
};

use crate::users::database::{Database, hasher};

/// What was called. Clones share it.
#[derive(Clone, Default)]
pub(super) struct Counts(Arc<Mutex<Vec<&'static str>>>);

impl Counts {
    fn add(&self, call: &'static str) {
        self.0.lock().unwrap().push(call);
    }

    /// The calls since the last time.
    pub(super) fn take(&self) -> Vec<&'static str> {
        mem::take(&mut self.0.lock().unwrap())
    }
}

#[derive(Clone)]
pub(super) struct CountedUsers {
    users: SqlUsers,
    counts: Counts,
}

impl CountedUsers {
    /// Users in `database`, with an address that must be verified before a login.
    pub(super) fn new(database: &Database, counts: &Counts) -> Self {
        let hasher = CountedHasher { hasher: hasher(), counts: counts.clone() };
        let users = SqlUsers::builder(database.connect(), hasher).require_verified_email(true);
        Self { users: users.build().unwrap(), counts: counts.clone() }
    }
}

struct CountedHasher {
    hasher: PasswordHasher,
    counts: Counts,
}

impl PasswordHashing for CountedHasher {
    async fn hash(&self, password: &str) -> Result<Option<String>, BackendError> {
        self.counts.add("hash");
        PasswordHashing::hash(&self.hasher, password).await
    }

    async fn verify(&self, password: &str, hash: Option<&str>) -> Result<bool, BackendError> {
        self.counts.add("hash");
        PasswordHashing::verify(&self.hasher, password, hash).await
    }

    fn needs_rehash(&self, hash: &str) -> bool {
        PasswordHashing::needs_rehash(&self.hasher, hash)
    }
}

impl UserBackend<tower_jwt_auth::token::NoClaims> for CountedUsers {
    type Credentials = UsernamePassword;

    async fn authenticate(
        &self,
        credentials: UsernamePassword,
    ) -> Result<Authentication, BackendError> {
        self.counts.add("authenticate");
        self.users.authenticate(credentials).await
    }

    async fn find(&self, id: &UserId) -> Result<Option<User>, BackendError> {
        self.counts.add("find");
        self.users.find(id).await
    }
}

impl AccountBackend<tower_jwt_auth::token::NoClaims> for CountedUsers {
    type Extra = ();

    fn user(&self, account: &Account) -> User {
        self.users.user(account)
    }

    async fn create(&self, account: NewAccount<'_>) -> Result<Account, AccountError> {
        self.counts.add("create");
        self.users.create(account).await
    }

    async fn name_problems(
        &self,
        username: Option<&str>,
        email: Option<&str>,
    ) -> Result<FieldProblems, BackendError> {
        self.counts.add("name_problems");
        self.users.name_problems(username, email).await
    }

    async fn account(&self, id: &UserId) -> Result<Option<Account>, BackendError> {
        self.counts.add("account");
        self.users.account(id).await
    }

    async fn account_by_username(&self, username: &str) -> Result<Option<Account>, BackendError> {
        self.counts.add("account_by_username");
        self.users.account_by_username(username).await
    }

    async fn account_by_email(&self, email: &str) -> Result<Option<Account>, BackendError> {
        self.counts.add("account_by_email");
        self.users.account_by_email(email).await
    }

    async fn verify_password(
        &self,
        id: &UserId,
        password: &str,
    ) -> Result<Option<Account>, BackendError> {
        self.counts.add("verify_password");
        self.users.verify_password(id, password).await
    }

    async fn set_password(
        &self,
        account: &Account,
        password: &str,
        keeps: Option<&str>,
    ) -> Result<Option<Account>, AccountError> {
        self.counts.add("set_password");
        self.users.set_password(account, password, keeps).await
    }

    async fn set_username(
        &self,
        id: &UserId,
        username: &str,
    ) -> Result<Option<Account>, AccountError> {
        self.counts.add("set_username");
        self.users.set_username(id, username).await
    }

    async fn set_email(
        &self,
        id: &UserId,
        email: &str,
        verified: bool,
    ) -> Result<Option<Account>, AccountError> {
        self.counts.add("set_email");
        self.users.set_email(id, email, verified).await
    }

    async fn mark_verified(
        &self,
        id: &UserId,
        email: &str,
    ) -> Result<Option<Account>, BackendError> {
        self.counts.add("mark_verified");
        self.users.mark_verified(id, email).await
    }

    async fn set_active(&self, id: &UserId, active: bool) -> Result<Option<Account>, BackendError> {
        self.counts.add("set_active");
        self.users.set_active(id, active).await
    }

    async fn delete(&self, id: &UserId) -> Result<(), BackendError> {
        self.counts.add("delete");
        self.users.delete(id).await
    }
}
