//! Changes that the staff of an application makes.

use crate::{
    token::UserId,
    user::{accounts::Account, backend::BackendError},
};

use super::{
    extra::ExtraColumns,
    params::{flag, json, text, values_of},
    users::SqlUsers,
};

impl<C, R, X: ExtraColumns> SqlUsers<C, R, X> {
    /// Sets whether the user belongs to the staff. Returns `None` if there is no account with this id.
    ///
    /// # Errors
    ///
    /// [`BackendError`] if the accounts are unavailable.
    pub async fn set_staff(
        &self,
        id: &UserId,
        staff: bool,
    ) -> Result<Option<Account<X>>, BackendError> {
        self.change(&self.0.statements.set_staff, id, [flag(staff)]).await
    }

    /// Sets the roles. Returns `None` if there is no account with this id.
    ///
    /// # Errors
    ///
    /// [`BackendError`] if the accounts are unavailable.
    pub async fn set_roles<'a>(
        &self,
        id: &UserId,
        roles: impl IntoIterator<Item = &'a str>,
    ) -> Result<Option<Account<X>>, BackendError> {
        let roles = json(&roles.into_iter().collect::<Vec<_>>())?;
        self.change(&self.0.statements.set_roles, id, [text(&*roles)]).await
    }

    /// Sets the columns of the application. Returns `None` if there is no account with this id.
    ///
    /// # Errors
    ///
    /// [`BackendError`] if the accounts are unavailable, or if `extra` writes to a column that it does
    /// not declare.
    pub async fn set_extra(
        &self,
        id: &UserId,
        extra: &X,
    ) -> Result<Option<Account<X>>, BackendError> {
        let Some(statement) = &self.0.statements.set_extra else {
            return self.by_id(id).await;
        };
        let values = values_of(extra)?;
        self.change(statement, id, values.iter().map(|value| text(value.as_deref()))).await
    }
}
