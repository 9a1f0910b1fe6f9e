//! What is known of one user, and what follows from it.

use std::{cmp::Reverse, collections::HashMap, mem, num::NonZeroUsize, sync::Arc};

use crate::clock::NumericDate;

use super::super::facts::{NewSession, Spend, Spent, TokenRef};

#[derive(Default)]
pub(super) struct UserState {
    pub(super) sessions: HashMap<Arc<str>, SessionState>,
    /// The revoked tokens, each with the time until when that must be remembered.
    pub(super) tokens: HashMap<Arc<str>, NumericDate>,
    pub(super) revoked: Option<RevokedUser>,
}

pub(super) struct SessionState {
    pub(super) created_at: NumericDate,
    pub(super) last_used_at: NumericDate,
    pub(super) expires_at: NumericDate,
    pub(super) keep_until: NumericDate,
    /// The refresh token that may be spent next.
    current: Box<str>,
    /// The one that was spent last, and when.
    previous: Option<(Box<str>, NumericDate)>,
    pub(super) label: Option<Box<str>>,
    ended: bool,
}

/// All tokens of no known session are revoked that were issued up to `at`.
pub(super) struct RevokedUser {
    pub(super) at: NumericDate,
    pub(super) keep_until: NumericDate,
}

impl UserState {
    pub(super) fn is_empty(&self) -> bool {
        self.sessions.is_empty() && self.tokens.is_empty() && self.revoked.is_none()
    }

    pub(super) fn revokes(&self, token: &TokenRef<'_>) -> bool {
        if token.jti.is_some_and(|jti| self.tokens.contains_key(jti)) {
            return true;
        }
        match token.session_id.and_then(|id| self.sessions.get(id)) {
            Some(session) => {
                session.ended || (token.refresh && token.jti != Some(&*session.current))
            }
            None => (token.refresh && !token.adopt) || self.revokes_issued_at(token.issued_at),
        }
    }

    /// Ends the live sessions used longest ago, until there is room for one more within `limit`, and
    /// gives their ids.
    pub(super) fn end_surplus(&mut self, limit: NonZeroUsize, now: NumericDate) -> Vec<Box<str>> {
        let mut live: Vec<_> =
            self.sessions.iter_mut().filter(|(_, session)| session.is_live(now)).collect();
        live.sort_by_key(|(_, session)| Reverse(session.last_used_at));
        let surplus = live.into_iter().skip(limit.get() - 1);
        let end = |(id, session): (&Arc<str>, &mut SessionState)| {
            session.ended = true;
            Box::from(&**id)
        };
        surplus.map(end).collect()
    }

    /// Ends all sessions but `except`; a later revocation never weakens an earlier one.
    pub(super) fn revoke(
        &mut self,
        at: NumericDate,
        except: Option<&str>,
        keep_until: NumericDate,
    ) {
        let revoked = self.revoked.get_or_insert(RevokedUser { at, keep_until });
        revoked.at = revoked.at.max(at);
        revoked.keep_until = revoked.keep_until.max(keep_until);
        for (session_id, session) in &mut self.sessions {
            session.ended |= except != Some(&**session_id);
        }
    }

    /// Whether tokens of no known session are revoked that were issued at `issued_at`.
    pub(super) fn revokes_issued_at(&self, issued_at: NumericDate) -> bool {
        self.revoked.as_ref().is_some_and(|revoked| issued_at <= revoked.at)
    }
}

impl SessionState {
    pub(super) fn begun(session: &NewSession<'_>) -> Self {
        Self {
            created_at: session.now,
            last_used_at: session.now,
            expires_at: session.expires_at,
            keep_until: session.keep_until,
            current: session.refresh.into(),
            previous: None,
            label: session.label.map(Into::into),
            ended: false,
        }
    }

    /// A session that was unknown when its first refresh token was spent.
    pub(super) fn adopted(spend: &Spend<'_>) -> Self {
        Self {
            created_at: spend.issued_at,
            last_used_at: spend.now,
            expires_at: spend.expires_at,
            keep_until: spend.keep_until,
            current: spend.successor.into(),
            previous: Some((spend.refresh.into(), spend.now)),
            label: None,
            ended: false,
        }
    }

    /// A session of which nothing is known but that it has ended.
    pub(super) fn ended(keep_until: NumericDate) -> Self {
        Self {
            created_at: NumericDate::default(),
            last_used_at: NumericDate::default(),
            expires_at: keep_until,
            keep_until,
            current: Box::default(),
            previous: None,
            label: None,
            ended: true,
        }
    }

    pub(super) fn is_live(&self, now: NumericDate) -> bool {
        !self.ended && self.expires_at > now
    }

    pub(super) fn end(&mut self, keep_until: NumericDate) {
        self.ended = true;
        self.keep_until = self.keep_until.max(keep_until);
    }

    pub(super) fn spend(&mut self, spend: &Spend<'_>) -> Spent {
        if self.ended {
            return Spent::Revoked;
        }
        if *self.current == *spend.refresh {
            let spent = mem::replace(&mut self.current, spend.successor.into());
            self.previous = Some((spent, spend.now));
            self.last_used_at = spend.now;
            self.expires_at = spend.expires_at;
            self.keep_until = self.keep_until.max(spend.keep_until);
            return Spent::First;
        }
        match &self.previous {
            Some((previous, at)) if **previous == *spend.refresh && within_grace(*at, spend) => {
                Spent::Again { successor: self.current.clone(), at: *at }
            }
            _ => {
                self.end(spend.keep_until);
                Spent::Reused
            }
        }
    }
}

/// Whether a token that was spent at `at` may still get the same successor. Without grace it never
/// may, not even where another machine's clock says that `at` has yet to come.
fn within_grace(at: NumericDate, spend: &Spend<'_>) -> bool {
    spend.now.saturating_duration_since(at).as_secs() < spend.grace.as_secs()
}
