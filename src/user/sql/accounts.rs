//! Accounts are created and changed.

use crate::{
    store::sql::statement::Statement,
    token::UserId,
    user::{
        accounts::{
            Account, AccountBackend, AccountError, FieldProblem, FieldProblems, NewAccount,
        },
        backend::BackendError,
        generation::new_generation,
        token_user::User,
    },
};

use super::{
    extra::ExtraColumns,
    name::{LoginName, key_to_find},
    params::{flag, is_set, json, owned, text, time, values_of},
    record::account,
    users::{LoginBy, SqlUsers},
};

impl<C, R, X> AccountBackend<C, R> for SqlUsers<C, R, X>
where
    C: Send + Sync + 'static,
    R: Send + Sync + 'static,
    X: ExtraColumns,
{
    type Extra = X;

    fn user(&self, account: &Account<X>) -> User<C, R> {
        let inner = &*self.0;
        let may_log_in = account.is_verified() || !inner.requires_verified_email;
        User::<C, ()>::new(account.id(), (inner.claims)(account))
            .with_refresh_claims((inner.refresh_claims)(account))
            .with_scopes((inner.scopes)(account))
            .with_epoch(account.generation())
            .with_active(account.is_active() && may_log_in)
    }

    async fn create(&self, new: NewAccount<'_, X>) -> Result<Account<X>, AccountError> {
        let (username, email) = self.names(new.username, new.email, new.password)?;
        let extra = values_of(&new.extra)?;
        let hash = match new.password {
            Some(password) => Some(self.hash(password).await?),
            None => None,
        };
        let id = self.0.ids.generate()?;
        let generation = new_generation(None)?;
        let roles = json(&new.roles)?;
        let given = |name: &Option<LoginName<'_>>| name.as_ref().map(|name| name.given.to_owned());
        let key = |name: &Option<LoginName<'_>>| name.as_ref().map(|name| name.key.clone());
        let params = [
            owned(id),
            owned(given(&username)),
            owned(key(&username)),
            owned(given(&email)),
            owned(key(&email)),
            owned(hash),
            flag(new.active),
            flag(new.verified),
            flag(new.staff),
            text(&*roles),
            text(&*generation),
            time(self.0.clock.now()),
        ];
        let extra = extra.iter().map(|value| text(value.as_deref()));
        let params: Vec<_> = params.into_iter().chain(extra).collect();
        let named = self.name(&self.0.statements.create, &params).await;
        let (taken, row) = named.map_err(BackendError::unavailable)?;
        if let Some(row) = row {
            return Ok(account(row).map_err(BackendError::unavailable)?);
        }
        // An earlier attempt of this call has created it, and its response was lost.
        let name = username.as_ref().map(|name| (&self.0.statements.by_username, &*name.key));
        let name = name.or(email.as_ref().map(|name| (&self.0.statements.by_email, &*name.key)));
        if let Some((statement, key)) = name
            && !is_set(&taken, 0)
            && !is_set(&taken, 1)
            && let Some(own) = self.read_account(statement, key).await?
            && own.generation() == generation
        {
            return Ok(own);
        }
        let taken_if = |is_taken| if is_taken { Some(FieldProblem::Taken) } else { None };
        let (username, email) = (taken_if(is_set(&taken, 0)), taken_if(is_set(&taken, 1)));
        Err(FieldProblems { username, email, password: None }.into())
    }

    async fn name_problems(
        &self,
        username: Option<&str>,
        email: Option<&str>,
    ) -> Result<FieldProblems, BackendError> {
        let mut problems = self.names(username, email, None).err().unwrap_or_default();
        for (name, problem) in [(username, &mut problems.username), (email, &mut problems.email)] {
            if let (Some(name), None) = (name, &problem) {
                let account = self.by_key(&self.0.statements.by_either, name).await?;
                *problem = account.map(|_| FieldProblem::Taken);
            }
        }
        Ok(problems)
    }

    async fn account(&self, id: &UserId) -> Result<Option<Account<X>>, BackendError> {
        self.by_id(id).await
    }

    async fn account_by_username(
        &self,
        username: &str,
    ) -> Result<Option<Account<X>>, BackendError> {
        self.by_key(&self.0.statements.by_username, username).await
    }

    async fn account_by_email(&self, email: &str) -> Result<Option<Account<X>>, BackendError> {
        self.by_key(&self.0.statements.by_email, email).await
    }

    async fn verify_password(
        &self,
        id: &UserId,
        password: &str,
    ) -> Result<Option<Account<X>>, BackendError> {
        let key = Some(id.as_str()).filter(|id| self.0.ids.accepts(id));
        let found = self.read_secret(&self.0.statements.secret_by_id, key).await?;
        Ok(self.verified(found, password).await?.map(|(account, _)| account))
    }

    async fn set_password(
        &self,
        account: &Account<X>,
        password: &str,
        session_id: Option<&str>,
    ) -> Result<Option<Account<X>>, AccountError> {
        if password.is_empty() {
            let password = Some(FieldProblem::Missing);
            return Err(FieldProblems { password, ..FieldProblems::default() }.into());
        }
        let hash = self.hash(password).await?;
        let generation = new_generation(session_id)?;
        let params = [text(&*hash), text(&*generation), text(account.generation())];
        Ok(self.change(&self.0.statements.set_password, account.id(), params).await?)
    }

    async fn set_username(
        &self,
        id: &UserId,
        username: &str,
    ) -> Result<Option<Account<X>>, AccountError> {
        let outcome = match LoginName::username(username) {
            Ok(name) => self.rename(&self.0.statements.set_username, id, &name, false).await?,
            Err(problem) => Err(problem),
        };
        outcome.map_err(|problem| {
            FieldProblems { username: Some(problem), ..FieldProblems::default() }.into()
        })
    }

    async fn set_email(
        &self,
        id: &UserId,
        email: &str,
        verified: bool,
    ) -> Result<Option<Account<X>>, AccountError> {
        let outcome = match LoginName::email(email) {
            Ok(name) => self.rename(&self.0.statements.set_email, id, &name, verified).await?,
            Err(problem) => Err(problem),
        };
        outcome.map_err(|problem| {
            FieldProblems { email: Some(problem), ..FieldProblems::default() }.into()
        })
    }

    async fn mark_verified(
        &self,
        id: &UserId,
        email: &str,
    ) -> Result<Option<Account<X>>, BackendError> {
        let Some(key) = key_to_find(email) else { return Ok(None) };
        self.change(&self.0.statements.mark_verified, id, [text(&*key)]).await
    }

    async fn set_active(
        &self,
        id: &UserId,
        active: bool,
    ) -> Result<Option<Account<X>>, BackendError> {
        let generation = new_generation(None)?;
        let params = [flag(active), text(&*generation)];
        self.change(&self.0.statements.set_active, id, params).await
    }

    async fn delete(&self, id: &UserId) -> Result<(), BackendError> {
        if !self.0.ids.accepts(id.as_str()) {
            return Ok(());
        }
        let deleted = self.write(&self.0.statements.delete, &[text(id.as_str())]).await;
        deleted.map(drop).map_err(BackendError::unavailable)
    }
}

impl<C, R, X> SqlUsers<C, R, X> {
    async fn hash(&self, password: &str) -> Result<String, AccountError> {
        self.0.hasher.hash(password).await?.ok_or_else(|| {
            let password = Some(FieldProblem::TooLong);
            FieldProblems { password, ..FieldProblems::default() }.into()
        })
    }
}

impl<C, R, X: ExtraColumns> SqlUsers<C, R, X> {
    /// The user name and the e-mail address of a new account.
    fn names<'a>(
        &self,
        username: Option<&'a str>,
        email: Option<&'a str>,
        password: Option<&str>,
    ) -> Result<(Option<LoginName<'a>>, Option<LoginName<'a>>), FieldProblems> {
        let (needs_username, needs_email) = match self.0.login_by {
            LoginBy::Username => (true, false),
            LoginBy::Email => (false, true),
            LoginBy::UsernameOrEmail => {
                let has_neither = username.is_none() && email.is_none();
                (has_neither, has_neither)
            }
        };
        let username = username.map(LoginName::username).transpose();
        let email = email.map(LoginName::email).transpose();
        let problem = |name: &Result<Option<_>, _>, is_needed| match name {
            Err(problem) => Some(*problem),
            Ok(None) if is_needed => Some(FieldProblem::Missing),
            Ok(_) => None,
        };
        let problems = FieldProblems {
            username: problem(&username, needs_username),
            email: problem(&email, needs_email),
            password: password.filter(|it| it.is_empty()).map(|_| FieldProblem::Missing),
        };
        match (username, email) {
            (Ok(username), Ok(email)) if problems.is_empty() => Ok((username, email)),
            _ => Err(problems),
        }
    }

    async fn rename(
        &self,
        statements: &[Statement; 2],
        id: &UserId,
        name: &LoginName<'_>,
        verified: bool,
    ) -> Result<Result<Option<Account<X>>, FieldProblem>, BackendError> {
        if !self.0.ids.accepts(id.as_str()) {
            return Ok(Ok(None));
        }
        let params = [text(id.as_str()), text(name.given), text(&*name.key), flag(verified)];
        let (taken, row) =
            self.name(statements, &params).await.map_err(BackendError::unavailable)?;
        if let Some(row) = row {
            return Ok(Ok(Some(account(row).map_err(BackendError::unavailable)?)));
        }
        Ok(if is_set(&taken, 0) { Err(FieldProblem::Taken) } else { Ok(None) })
    }
}
