//! What is known of one user, and what follows from it.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    mem,
    num::NonZeroUsize,
    ops::Bound,
    sync::Arc,
};

use crate::clock::NumericDate;

use super::super::facts::{
    Consume, ConsumeId, Generation, NewSession, Page, Session, Spend, Spent, TokenRef,
};

/// How many sessions beyond the limit a login looks at, and so how many it ends at most.
const MAX_SURPLUS: usize = 100;

#[derive(Default)]
pub(super) struct UserState {
    sessions: BTreeMap<Arc<str>, Box<SessionState>>,
    /// The sessions that were not ended by themselves, by their last use. They may have expired, or
    /// been ended by the revocation of the user.
    by_use: BTreeSet<(NumericDate, Arc<str>)>,
    /// The revoked tokens, each with the time until when it must be remembered.
    tokens: HashMap<Arc<str>, NumericDate>,
    /// The other ids that were consumed, each with the time until when it must be remembered.
    uses: HashMap<Arc<str>, NumericDate>,
    revoked: Option<RevokedUser>,
}

pub(super) struct SessionState {
    created_at: NumericDate,
    last_used_at: NumericDate,
    expires_at: NumericDate,
    keep_until: NumericDate,
    access_until: NumericDate,
    /// The refresh token that may be spent next.
    current: Box<str>,
    /// The one that was spent last, and when.
    previous: Option<(Box<str>, NumericDate)>,
    label: Option<Box<str>>,
    /// The session has ended if its user was revoked with a higher generation.
    generation: Generation,
    /// Whether the session was ended by itself.
    ended: bool,
}

struct RevokedUser {
    /// Tokens of no known session are revoked that were issued up to here.
    at: NumericDate,
    generation: Generation,
    keep_until: NumericDate,
}

/// A session that has ended, and until when it must be remembered.
pub(super) struct Ended {
    pub(super) session_id: Arc<str>,
    pub(super) keep_until: NumericDate,
    /// Whether the session was live before.
    pub(super) was_live: bool,
}

impl UserState {
    pub(super) fn is_empty(&self) -> bool {
        self.sessions.is_empty()
            && self.tokens.is_empty()
            && self.uses.is_empty()
            && self.revoked.is_none()
    }

    pub(super) fn has_sessions(&self) -> bool {
        !self.sessions.is_empty()
    }

    pub(super) fn knows_session(&self, session_id: &str) -> bool {
        self.sessions.contains_key(session_id)
    }

    pub(super) fn add_session(&mut self, session_id: Arc<str>, session: SessionState) {
        self.by_use.insert((session.last_used_at, Arc::clone(&session_id)));
        self.sessions.insert(session_id, Box::new(session));
    }

    pub(super) fn forget_session(&mut self, session_id: &str) {
        if let Some((session_id, session)) = self.sessions.remove_entry(session_id) {
            self.by_use.remove(&(session.last_used_at, session_id));
        }
    }

    /// Until when a known session must be remembered.
    pub(super) fn session_keep_until(&self, session_id: &str) -> Option<NumericDate> {
        self.sessions.get(session_id).map(|session| session.keep_until)
    }

    /// The lowest generation that the user's live sessions have.
    fn generation(&self) -> Generation {
        self.revoked.as_ref().map(|revoked| revoked.generation).unwrap_or_default()
    }

    /// Whether a login is refused that read the store's generation when it was this one.
    pub(super) fn refuses(&self, generation: Option<Generation>) -> bool {
        generation.is_some_and(|generation| generation < self.generation())
    }

    pub(super) fn revokes(&self, token: &TokenRef<'_>) -> bool {
        if token.jti.is_some_and(|jti| self.tokens.contains_key(jti)) {
            return true;
        }
        match token.session_id.and_then(|id| self.sessions.get(id)) {
            Some(session) => {
                session.has_ended(self.generation())
                    || (token.refresh && token.jti != Some(&*session.current))
            }
            None => (token.refresh && !token.adopt) || self.revokes_issued_at(token.issued_at),
        }
    }

    /// Whether an id can be consumed now.
    pub(super) fn can_consume(&self, consume: &Consume<'_>) -> bool {
        let is_used = match consume.id {
            ConsumeId::Token(jti) => self.tokens.contains_key(jti),
            ConsumeId::Other(id) => self.uses.contains_key(id),
        };
        !is_used
            && match (consume.session_id, consume.generation) {
                (Some(id), _) => {
                    let session = self.sessions.get(id);
                    session.is_some_and(|session| !session.has_ended(self.generation()))
                }
                (None, Some(generation)) => {
                    let revoked_at = self.revoked.as_ref().map(|revoked| revoked.at);
                    // After a restart, the generation may be lower than it was.
                    generation >= self.generation() && revoked_at <= Some(consume.issued_at)
                }
                (None, None) => !self.revokes_issued_at(consume.issued_at),
            }
    }

    /// Whether tokens of no known session are revoked that were issued at `issued_at`.
    pub(super) fn revokes_issued_at(&self, issued_at: NumericDate) -> bool {
        self.revoked.as_ref().is_some_and(|revoked| issued_at <= revoked.at)
    }

    /// Ends the live sessions used longest ago, until there is room for one more within `limit`.
    ///
    /// This looks at a limited number of sessions. On the way it also ends those that are not live
    /// any more, so that they do not pile up.
    pub(super) fn end_surplus(
        &mut self,
        limit: NonZeroUsize,
        now: NumericDate,
        access_until: NumericDate,
    ) -> Vec<Ended> {
        let (others, generation) = (limit.get() - 1, self.generation());
        let mut live = 0;
        let mut surplus = Vec::new();
        for (_, id) in self.by_use.iter().rev().take(others.saturating_add(MAX_SURPLUS)) {
            let Some(session) = self.sessions.get(id) else { continue };
            let is_live = session.is_live(generation, now);
            live += usize::from(is_live);
            if !is_live || live > others {
                surplus.push((Arc::clone(id), is_live));
            }
        }
        let end = |(session_id, was_live): (Arc<str>, bool)| {
            let keep_until = self.end_session(&session_id, access_until)?;
            Some(Ended { session_id, keep_until, was_live })
        };
        surplus.into_iter().filter_map(end).collect()
    }

    /// Ends a session, and returns until when it must be remembered if that has changed.
    pub(super) fn end_session(
        &mut self,
        session_id: &str,
        keep_until: NumericDate,
    ) -> Option<NumericDate> {
        let (id, _) = self.sessions.get_key_value(session_id)?;
        let id = Arc::clone(id);
        let session = self.sessions.get_mut(session_id)?;
        let kept = if session.ended { session.keep_until } else { session.access_until };
        if session.ended && keep_until <= kept {
            return None;
        }
        session.ended = true;
        session.keep_until = kept.max(keep_until);
        self.by_use.remove(&(session.last_used_at, id));
        Some(session.keep_until)
    }

    /// Spends a token of a known session.
    pub(super) fn spend(&mut self, spend: &Spend<'_>) -> Option<Spent> {
        let generation = self.generation();
        let session = self.sessions.get_mut(spend.session_id)?;
        let last_used_at = session.last_used_at;
        let spent = session.spend(spend, generation);
        let used_at = session.last_used_at;
        if used_at != last_used_at
            && let Some(entry) = self.by_use.take(&(last_used_at, spend.session_id.into()))
        {
            self.by_use.insert((used_at, entry.1));
        }
        Some(spent)
    }

    pub(super) fn has_revoked_token(&self, jti: &str) -> bool {
        self.tokens.contains_key(jti)
    }

    pub(super) fn token_keep_until(&self, jti: &str) -> Option<NumericDate> {
        self.tokens.get(jti).copied()
    }

    /// Revokes a token, or extends its revocation.
    pub(super) fn revoke_token(&mut self, jti: Arc<str>, keep_until: NumericDate) {
        let known = self.tokens.entry(jti).or_insert(keep_until);
        *known = keep_until.max(*known);
    }

    pub(super) fn forget_token(&mut self, jti: &str) {
        self.tokens.remove(jti);
    }

    pub(super) fn use_keep_until(&self, id: &str) -> Option<NumericDate> {
        self.uses.get(id).copied()
    }

    pub(super) fn add_use(&mut self, id: Arc<str>, keep_until: NumericDate) {
        self.uses.insert(id, keep_until);
    }

    pub(super) fn forget_use(&mut self, id: &str) {
        self.uses.remove(id);
    }

    /// Sets the label of a live session, and returns whether there is one.
    pub(super) fn set_label(
        &mut self,
        session_id: &str,
        label: Option<&str>,
        now: NumericDate,
    ) -> bool {
        let generation = self.generation();
        match self.sessions.get_mut(session_id) {
            Some(session) if session.is_live(generation, now) => {
                session.label = label.map(Into::into);
                true
            }
            _ => false,
        }
    }

    pub(super) fn is_revoked(&self) -> bool {
        self.revoked.is_some()
    }

    pub(super) fn revoked_keep_until(&self) -> Option<NumericDate> {
        self.revoked.as_ref().map(|revoked| revoked.keep_until)
    }

    /// Ends all sessions but `except`. A later revocation never weakens an earlier one.
    pub(super) fn revoke(
        &mut self,
        at: NumericDate,
        generation: Generation,
        except: Option<&str>,
        keep_until: NumericDate,
    ) {
        let before = self.generation();
        if let Some(session) = except.and_then(|id| self.sessions.get_mut(id))
            && !session.has_ended(before)
        {
            session.generation = session.generation.max(generation);
        }
        let revoked = self.revoked.get_or_insert(RevokedUser { at, generation, keep_until });
        revoked.at = revoked.at.max(at);
        revoked.generation = revoked.generation.max(generation);
        revoked.keep_until = revoked.keep_until.max(keep_until);
    }

    pub(super) fn forget_revocation(&mut self) {
        self.revoked = None;
    }

    /// The live sessions after `cursor`, those used last first, and the cursor of the next page.
    pub(super) fn page(
        &self,
        now: NumericDate,
        cursor: Option<(NumericDate, &str)>,
        page: Page<'_>,
    ) -> (Vec<Session>, Option<(NumericDate, Arc<str>)>) {
        let end = cursor.map_or(Bound::Unbounded, |(at, id)| Bound::Excluded((at, id.into())));
        let mut entries = self.by_use.range((Bound::Unbounded, end)).rev();
        let generation = self.generation();
        let looked_at: Vec<_> = entries.by_ref().take(page.limit()).collect();
        let sessions = looked_at.iter().filter_map(|(_, id)| {
            let session = self.sessions.get(id)?;
            session.is_live(generation, now).then(|| session.listed(id))
        });
        let next = looked_at.last().filter(|_| entries.next().is_some());
        (sessions.collect(), next.map(|entry| (*entry).clone()))
    }
}

impl SessionState {
    pub(super) fn begun(session: &NewSession<'_>, generation: Generation) -> Self {
        Self {
            created_at: session.now,
            last_used_at: session.now,
            expires_at: session.expires_at,
            keep_until: session.keep_until,
            access_until: session.access_until,
            current: session.refresh.into(),
            previous: None,
            label: session.label.map(Into::into),
            generation,
            ended: false,
        }
    }

    /// A session that was unknown when its first refresh token was spent.
    pub(super) fn adopted(spend: &Spend<'_>, generation: Generation) -> Self {
        Self {
            created_at: spend.issued_at,
            last_used_at: spend.now,
            expires_at: spend.expires_at,
            keep_until: spend.keep_until,
            // If it were forgotten earlier, its first token could be adopted again.
            access_until: spend.keep_until,
            current: spend.successor.into(),
            previous: Some((spend.refresh.into(), spend.now)),
            label: None,
            generation,
            ended: false,
        }
    }

    pub(super) const fn keep_until(&self) -> NumericDate {
        self.keep_until
    }

    fn has_ended(&self, generation: Generation) -> bool {
        self.ended || self.generation < generation
    }

    fn is_live(&self, generation: Generation, now: NumericDate) -> bool {
        !self.has_ended(generation) && self.expires_at > now
    }

    /// Does all but end the session if the token is reused, which is left to the caller.
    fn spend(&mut self, spend: &Spend<'_>, generation: Generation) -> Spent {
        if self.has_ended(generation) {
            return Spent::Revoked;
        }
        if *self.current == *spend.refresh {
            let spent = mem::replace(&mut self.current, spend.successor.into());
            self.previous = Some((spent, spend.now));
            self.last_used_at = spend.now;
            self.expires_at = spend.expires_at;
            self.keep_until = self.keep_until.max(spend.keep_until);
            self.access_until = self.access_until.max(spend.access_until);
            return Spent::First;
        }
        match &self.previous {
            Some((jti, at)) if **jti == *spend.refresh && within_grace(*at, spend) => {
                Spent::Again { successor: self.current.clone(), at: *at }
            }
            _ => Spent::Reused,
        }
    }

    fn listed(&self, id: &str) -> Session {
        Session::new(id, self.created_at, self.last_used_at, self.expires_at)
            .with_label(self.label.clone())
    }
}

/// Whether a token that was spent at `at` still gets the same successor. Without grace it never
/// does, not even if `at` lies in the future of this machine's clock.
fn within_grace(at: NumericDate, spend: &Spend<'_>) -> bool {
    spend.now.saturating_duration_since(at).as_secs() < spend.grace.as_secs()
}
