use std::future::Future;

use crate::token::{NoClaims, UserId};

use super::{
    super::{
        backend::{BackendError, UserBackend},
        token_user::User,
    },
    account::Account,
    error::{AccountError, FieldProblem, FieldProblems},
    new_account::NewAccount,
};

/// The accounts of an application: a [`UserBackend`] that can also create and change users.
///
/// [`SqlUsers`](super::super::SqlUsers) implements it. Implement it yourself for tables of your own,
/// with any database library. An implementation must follow these rules:
///
/// - User names and e-mail addresses are unique without regard to case, see
///   [`login_key`](super::super::login_key). No user name equals the e-mail address of another
///   account. If several calls at once want the same name, exactly one of them gets it, and the
///   others fail with [`Taken`](super::FieldProblem::Taken).
/// - The [generation](Account::generation) changes with the password, and when the account is
///   deactivated.
/// - Passwords are stored as hashes. See the [`password`](crate::password) module.
pub trait AccountBackend<C, R = NoClaims>: UserBackend<C, R> {
    /// The columns of the application.
    type Extra: Send + Sync + 'static;

    /// Returns the user to issue tokens for, as [`find`](UserBackend::find) does.
    fn user(&self, account: &Account<Self::Extra>) -> User<C, R>;

    /// Creates an account.
    ///
    /// # Errors
    ///
    /// [`Rejected`](AccountError::Rejected) with the problems of all fields, and
    /// [`Backend`](AccountError::Backend) if the accounts are unavailable or too many passwords are
    /// being hashed.
    fn create(
        &self,
        account: NewAccount<'_, Self::Extra>,
    ) -> impl Future<Output = Result<Account<Self::Extra>, AccountError>> + Send;

    /// Returns the problems of these names in a new account, without creating one: those that
    /// [`create`](Self::create) would find.
    ///
    /// A sign-up whose password is rejected thereby reports the problems of all fields at once. The
    /// provided method finds names that are [taken](super::FieldProblem::Taken). Override it to find
    /// those that are invalid too.
    ///
    /// # Errors
    ///
    /// [`BackendError`] if the accounts cannot be read.
    fn name_problems(
        &self,
        username: Option<&str>,
        email: Option<&str>,
    ) -> impl Future<Output = Result<FieldProblems, BackendError>> + Send {
        async move {
            let mut problems = FieldProblems::default();
            for (name, problem) in
                [(username, &mut problems.username), (email, &mut problems.email)]
            {
                if let Some(name) = name {
                    let is_taken = self.account_by_username(name).await?.is_some()
                        || self.account_by_email(name).await?.is_some();
                    *problem = is_taken.then_some(FieldProblem::Taken);
                }
            }
            Ok(problems)
        }
    }

    /// Returns the account with this id.
    ///
    /// # Errors
    ///
    /// [`BackendError`] if the accounts cannot be read.
    fn account(
        &self,
        id: &UserId,
    ) -> impl Future<Output = Result<Option<Account<Self::Extra>>, BackendError>> + Send;

    /// Returns the account with this user name.
    ///
    /// # Errors
    ///
    /// [`BackendError`] if the accounts cannot be read.
    fn account_by_username(
        &self,
        username: &str,
    ) -> impl Future<Output = Result<Option<Account<Self::Extra>>, BackendError>> + Send;

    /// Returns the account with this e-mail address.
    ///
    /// # Errors
    ///
    /// [`BackendError`] if the accounts cannot be read.
    fn account_by_email(
        &self,
        email: &str,
    ) -> impl Future<Output = Result<Option<Account<Self::Extra>>, BackendError>> + Send;

    /// Returns the account with this id if `password` is its password. It takes as long if there is
    /// no such account.
    ///
    /// # Errors
    ///
    /// [`BackendError`] if the accounts cannot be read, or too many passwords are being hashed.
    fn verify_password(
        &self,
        id: &UserId,
        password: &str,
    ) -> impl Future<Output = Result<Option<Account<Self::Extra>>, BackendError>> + Send;

    /// Sets the password, and changes the generation to
    /// [`new_generation(session_id)`](super::super::new_generation), so that no session can be refreshed that
    /// began before, except the one with the id `session_id`.
    ///
    /// Returns `None`, and changes nothing, if the account is gone or its generation is not that of
    /// `account` any more. So of several changes at once, each based on the same state, one succeeds.
    ///
    /// # Errors
    ///
    /// [`Rejected`](AccountError::Rejected) if the password is empty or too long, and
    /// [`Backend`](AccountError::Backend) if the accounts are unavailable or too many passwords are
    /// being hashed.
    fn set_password(
        &self,
        account: &Account<Self::Extra>,
        password: &str,
        session_id: Option<&str>,
    ) -> impl Future<Output = Result<Option<Account<Self::Extra>>, AccountError>> + Send;

    /// Changes the user name. Returns `None` if there is no account with this id.
    ///
    /// # Errors
    ///
    /// [`Rejected`](AccountError::Rejected) if the name is taken or invalid, and
    /// [`Backend`](AccountError::Backend) if the accounts are unavailable.
    fn set_username(
        &self,
        id: &UserId,
        username: &str,
    ) -> impl Future<Output = Result<Option<Account<Self::Extra>>, AccountError>> + Send;

    /// Sets the e-mail address, and whether it was verified. Returns `None` if there is no account
    /// with this id.
    ///
    /// # Errors
    ///
    /// [`Rejected`](AccountError::Rejected) if the address is taken or invalid, and
    /// [`Backend`](AccountError::Backend) if the accounts are unavailable.
    fn set_email(
        &self,
        id: &UserId,
        email: &str,
        verified: bool,
    ) -> impl Future<Output = Result<Option<Account<Self::Extra>>, AccountError>> + Send;

    /// Marks the e-mail address `email` as verified. Returns `None` if there is no account with this
    /// id, or if it has another address.
    ///
    /// # Errors
    ///
    /// [`BackendError`] if the accounts are unavailable.
    fn mark_verified(
        &self,
        id: &UserId,
        email: &str,
    ) -> impl Future<Output = Result<Option<Account<Self::Extra>>, BackendError>> + Send;

    /// Sets whether the user may log in and refresh. Deactivation changes the generation, so that no
    /// session can be refreshed that began before, even if the account is activated again. Returns
    /// `None` if there is no account with this id.
    ///
    /// # Errors
    ///
    /// [`BackendError`] if the accounts are unavailable.
    fn set_active(
        &self,
        id: &UserId,
        active: bool,
    ) -> impl Future<Output = Result<Option<Account<Self::Extra>>, BackendError>> + Send;

    /// Deletes the account with this id, if there is one.
    ///
    /// # Errors
    ///
    /// [`BackendError`] if the accounts are unavailable.
    fn delete(&self, id: &UserId) -> impl Future<Output = Result<(), BackendError>> + Send;
}
