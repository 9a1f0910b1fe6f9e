//! Tokens in the tables of the blacklist app.

use crate::{clock::NumericDate, metrics::count, token::Claims};

use super::{
    database::{DjangoStore, DjangoUsers, Outstanding},
    error::SimpleJwtError,
    mint::Draft,
    token_class::TokenClass,
    token_fault::TokenFault,
};

/// The blacklist app, or its absence.
#[derive(Clone)]
pub(super) enum Blacklist {
    Installed(DjangoStore),
    /// Nothing is stored, and no token is blacklisted. If there is a database, calls fail unless the
    /// app's tables are absent: they might list the token.
    Absent(Option<DjangoUsers>),
}

impl Blacklist {
    pub(super) const fn tables(&self) -> Option<&DjangoStore> {
        match self {
            Self::Installed(tables) => Some(tables),
            Self::Absent(_) => None,
        }
    }

    /// The tables, after checking that they are absent if the app is.
    async fn checked_tables(&self) -> Result<Option<&DjangoStore>, SimpleJwtError> {
        if let Self::Absent(Some(users)) = self {
            users.require_schema().await?;
        }
        Ok(self.tables())
    }

    /// Whether it has to be [asked](Self::contains) before the token is accepted.
    pub(super) fn covers(&self, claims: &Claims) -> bool {
        match self {
            Self::Installed(_) => claims.jti().is_some(),
            Self::Absent(users) => users.as_ref().is_some_and(|users| !users.has_read_schema()),
        }
    }

    pub(super) async fn contains<C: ?Sized>(
        &self,
        claims: &Claims<C>,
    ) -> Result<bool, SimpleJwtError> {
        match (self.checked_tables().await?, claims.jti()) {
            (Some(tables), Some(jti)) => Ok(tables.is_blacklisted(jti).await?),
            _ => Ok(false),
        }
    }

    /// Rejects a token of `class` that is blacklisted, if SimpleJWT does.
    pub(super) async fn check(
        &self,
        claims: &Claims,
        class: TokenClass,
    ) -> Result<(), SimpleJwtError> {
        if class.is_blacklistable() && self.contains(claims).await? {
            return Err(TokenFault::Blacklisted.into());
        }
        Ok(())
    }

    /// Blacklists a token, whose last copy expires at `expires_at`. Rejects one that was
    /// blacklisted before.
    pub(super) async fn add(
        &self,
        claims: &Claims,
        expires_at: NumericDate,
        now: NumericDate,
    ) -> Result<(), SimpleJwtError> {
        let tables = self.checked_tables().await?;
        let (Some(tables), Some(token)) = (tables, outstanding(claims)) else { return Ok(()) };
        let token = Outstanding { expires_at, ..token };
        unless_listed(tables.blacklist(&token, now).await?)?;
        count!("jwt_auth_revocations_total", "revoked" => "token");
        Ok(())
    }

    /// Records a new token of the user `user_id`.
    pub(super) async fn record(
        &self,
        new: &Draft,
        user_id: Option<&str>,
        now: NumericDate,
    ) -> Result<(), SimpleJwtError> {
        let Some(tables) = self.checked_tables().await? else { return Ok(()) };
        let token = Outstanding { jti: &new.jti, user_id, expires_at: new.expires_at };
        Ok(tables.outstand(&token, now).await?)
    }

    /// Blacklists `old` and records `new`, its successor, in one step. Rejects an `old` that is
    /// blacklisted already.
    pub(super) async fn rotate(
        &self,
        old: &Claims,
        new: &Draft,
        now: NumericDate,
    ) -> Result<(), SimpleJwtError> {
        let tables = self.checked_tables().await?;
        let (Some(tables), Some(old)) = (tables, outstanding(old)) else { return Ok(()) };
        let new = Outstanding { jti: &new.jti, expires_at: new.expires_at, ..old };
        unless_listed(tables.rotate(&old, &new, now).await?)
    }

    /// Records until when both `old` and its copy `new` have expired. Rejects a token that is
    /// blacklisted.
    pub(super) async fn slide(
        &self,
        old: &Claims,
        new: &Draft,
        now: NumericDate,
    ) -> Result<(), SimpleJwtError> {
        let tables = self.checked_tables().await?;
        let (Some(tables), Some(old)) = (tables, outstanding(old)) else { return Ok(()) };
        // `old` expires last if the lifetime was shortened.
        let new = Outstanding { expires_at: old.expires_at.max(new.expires_at), ..old };
        unless_listed(tables.slide(&new, now).await?)
    }
}

/// A token as the tables hold it; `None` if it has no id.
fn outstanding(claims: &Claims) -> Option<Outstanding<'_>> {
    Some(Outstanding {
        jti: claims.jti()?,
        user_id: user_id(claims),
        expires_at: claims.expires_at(),
    })
}

/// The user that a token names, if it names one.
pub(super) fn user_id(claims: &Claims) -> Option<&str> {
    Some(claims.user_id().as_str()).filter(|user_id| !user_id.is_empty())
}

fn unless_listed(was_free: bool) -> Result<(), SimpleJwtError> {
    if was_free { Ok(()) } else { Err(TokenFault::Blacklisted.into()) }
}
