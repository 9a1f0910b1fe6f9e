//! Tokens in the tables of the blacklist app.

use crate::{clock::NumericDate, token::Claims};

use super::{
    database::{DjangoStore, Outstanding},
    error::SimpleJwtError,
    mint::Draft,
    token_class::TokenClass,
    token_fault::TokenFault,
};

/// The blacklist app, or its absence. Without it nothing is stored, and no token is blacklisted.
#[derive(Clone)]
pub(super) struct Blacklist(Option<DjangoStore>);

impl Blacklist {
    pub(super) const fn new(tables: Option<DjangoStore>) -> Self {
        Self(tables)
    }

    pub(super) const fn tables(&self) -> Option<&DjangoStore> {
        self.0.as_ref()
    }

    /// Whether a token has to be looked up before it is accepted as one of `class`.
    pub(super) fn covers(&self, claims: &Claims, class: TokenClass) -> bool {
        self.0.is_some() && class.is_blacklistable() && claims.jti().is_some()
    }

    pub(super) async fn contains(&self, claims: &Claims) -> Result<bool, SimpleJwtError> {
        match (&self.0, claims.jti()) {
            (Some(tables), Some(jti)) => Ok(tables.is_blacklisted(jti).await?),
            _ => Ok(false),
        }
    }

    /// Rejects a token of `class` that is blacklisted.
    pub(super) async fn check(
        &self,
        claims: &Claims,
        class: TokenClass,
    ) -> Result<(), SimpleJwtError> {
        if self.covers(claims, class) && self.contains(claims).await? {
            return Err(TokenFault::Blacklisted.into());
        }
        Ok(())
    }

    /// Blacklists a token. Rejects one that was blacklisted before.
    pub(super) async fn add(
        &self,
        claims: &Claims,
        now: NumericDate,
    ) -> Result<(), SimpleJwtError> {
        match (&self.0, outstanding(claims)) {
            (Some(tables), Some(token)) => unless_listed(tables.blacklist(&token, now).await?),
            _ => Ok(()),
        }
    }

    /// Records a new token of the user `user_id`.
    pub(super) async fn record(
        &self,
        new: &Draft,
        user_id: Option<&str>,
        now: NumericDate,
    ) -> Result<(), SimpleJwtError> {
        let Some(tables) = &self.0 else { return Ok(()) };
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
        let (Some(tables), Some(old)) = (&self.0, outstanding(old)) else { return Ok(()) };
        let new = Outstanding { jti: &new.jti, expires_at: new.expires_at, ..old };
        unless_listed(tables.rotate(&old, &new, now).await?)
    }

    /// Records until when the copy `new` of the sliding token `old` lives. Rejects a token that is
    /// blacklisted.
    pub(super) async fn slide(
        &self,
        old: &Claims,
        new: &Draft,
        now: NumericDate,
    ) -> Result<(), SimpleJwtError> {
        let (Some(tables), Some(old)) = (&self.0, outstanding(old)) else { return Ok(()) };
        let new = Outstanding { expires_at: new.expires_at, ..old };
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
