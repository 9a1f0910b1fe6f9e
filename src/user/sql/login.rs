//! Logins.

use std::time::Duration;

use tokio::time::timeout;

use crate::{
    token::UserId,
    trace::warn,
    user::{
        accounts::{Account, AccountBackend},
        authentication::Authentication,
        backend::{BackendError, UserBackend},
        credentials::UsernamePassword,
        token_user::User,
    },
};

use super::{
    extra::ExtraColumns,
    name::key_to_find,
    params::{text, time},
    record::SecretAccount,
    users::{LoginBy, SqlUsers},
};

/// How long a login waits until it is recorded.
const RECORD_TIMEOUT: Duration = Duration::from_millis(500);

impl<C, R, X> UserBackend<C, R> for SqlUsers<C, R, X>
where
    C: Send + Sync + 'static,
    R: Send + Sync + 'static,
    X: ExtraColumns,
{
    type Credentials = UsernamePassword;

    /// The field `username` holds the user name or the e-mail address, as [`LoginBy`] allows. An
    /// account that is inactive or that must be verified first is returned as an inactive user.
    async fn authenticate(
        &self,
        credentials: UsernamePassword,
    ) -> Result<Authentication<C, R>, BackendError> {
        let statement = match self.0.login_by {
            LoginBy::Username => &self.0.statements.secret_by_username,
            LoginBy::Email => &self.0.statements.secret_by_email,
            LoginBy::UsernameOrEmail => &self.0.statements.secret_by_either,
        };
        let key = key_to_find(&credentials.username);
        let found = self.read_secret(statement, key.as_deref()).await?;
        let verified = self.verified(found, &credentials.password).await?;
        let Some((account, hash)) = verified else { return Ok(Authentication::Invalid) };
        let user = self.user(&account);
        if user.is_active() {
            self.record_login(&account, &hash, &credentials.password).await;
        }
        Ok(user.into())
    }

    async fn find(&self, id: &UserId) -> Result<Option<User<C, R>>, BackendError> {
        Ok(self.by_id(id).await?.map(|account| self.user(&account)))
    }
}

impl<C, R, X: ExtraColumns> SqlUsers<C, R, X> {
    /// The account and its hash, if the password is correct. It takes as long without an account.
    pub(super) async fn verified(
        &self,
        found: Option<SecretAccount<X>>,
        password: &str,
    ) -> Result<Option<(Account<X>, String)>, BackendError> {
        let hash = found.as_ref().and_then(|found| found.hash.as_deref());
        let is_correct = self.0.hasher.verify(password, hash).await?;
        let found = found.filter(|_| is_correct);
        Ok(found.and_then(|found| Some((found.account, found.hash?))))
    }

    /// Sets the time of the last login, and replaces an outdated hash. A failure is logged.
    async fn record_login(&self, account: &Account<X>, hash: &str, password: &str) {
        let new_hash = if self.0.hasher.needs_rehash(hash) {
            let new_hash = self.0.hasher.hash(password).await;
            new_hash.unwrap_or_else(|_| {
                warn!("an outdated password hash could not be replaced");
                None
            })
        } else {
            None
        };
        let now = time(self.0.clock.now());
        let params = [text(account.id().as_str()), now, text(new_hash.as_deref()), text(hash)];
        let record = self.write(&self.0.statements.record_login, &params);
        if !matches!(timeout(RECORD_TIMEOUT, record).await, Ok(Ok(_))) {
            warn!("a login could not be recorded");
        }
    }
}
