//! A share of the users, whose entries are forgotten in time.

use std::{
    cmp::Reverse,
    collections::{BinaryHeap, HashMap, binary_heap::PeekMut},
    iter,
    sync::Arc,
    time::Duration,
};

use crate::clock::NumericDate;

use super::{
    super::facts::{Begun, Generation, NewSession, Spend, Spent},
    state::{SessionState, UserState},
};

/// How long the revocation of a user is kept on for as long as there are sessions that it may have
/// ended.
const RECHECK_AFTER: Duration = Duration::from_secs(3_600);

/// All entries of a user are in one shard, under one lock. This makes every step atomic.
#[derive(Default)]
pub(super) struct Shard {
    users: HashMap<Arc<str>, UserState>,
    /// When to look at which entry. Each entry has at least one element that is not later than its
    /// time. An element whose entry must be kept for longer goes back.
    due: BinaryHeap<Reverse<(NumericDate, Arc<str>, Entry)>>,
}

/// What is counted and forgotten: a session, a revocation or a use of a user.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Entry {
    Session(Arc<str>),
    Token(Arc<str>),
    Use(Arc<str>),
    User,
}

impl Shard {
    pub(super) fn user(&self, user_id: &str) -> Option<&UserState> {
        self.users.get(user_id)
    }

    pub(super) fn add_session(&mut self, user_id: &str, session_id: &str, session: SessionState) {
        let id: Arc<str> = session_id.into();
        self.extend(user_id, Entry::Session(Arc::clone(&id)), session.keep_until())
            .add_session(id, session);
    }

    /// Makes room for `session` within its limit, then adds it.
    pub(super) fn begin(&mut self, session: &NewSession<'_>, generation: Generation) -> Begun {
        let user_id = session.user_id.as_str();
        let mut ended = Vec::new();
        if let Some(limit) = session.limit
            && let Some((user_id, user)) = self.user_mut(user_id)
        {
            ended = user.end_surplus(limit, session.now, session.access_until);
            for session in &ended {
                let entry = Entry::Session(Arc::clone(&session.session_id));
                self.due.push(Reverse((session.keep_until, Arc::clone(&user_id), entry)));
            }
        }
        let ended = ended.iter().filter(|session| session.was_live);
        let ended = ended.map(|session| (&*session.session_id).into()).collect();
        self.add_session(user_id, session.session_id, SessionState::begun(session, generation));
        Begun::Started { ended }
    }

    /// Spends a token of a known session.
    pub(super) fn spend(&mut self, spend: &Spend<'_>) -> Option<Spent> {
        let user = self.users.get_mut(spend.user_id.as_str())?;
        let spent = user.spend(spend)?;
        if spent == Spent::Reused {
            self.end_session(spend.user_id.as_str(), spend.session_id, spend.access_until);
        }
        Some(spent)
    }

    /// Ends a session if it is known.
    pub(super) fn end_session(&mut self, user_id: &str, session_id: &str, keep_until: NumericDate) {
        if let Some((user_id, user)) = self.user_mut(user_id)
            && let Some(keep_until) = user.end_session(session_id, keep_until)
        {
            let entry = Entry::Session(session_id.into());
            self.due.push(Reverse((keep_until, user_id, entry)));
        }
    }

    /// Revokes a token that is not revoked yet.
    pub(super) fn add_token(&mut self, user_id: &str, jti: &str, keep_until: NumericDate) {
        let jti: Arc<str> = jti.into();
        self.extend(user_id, Entry::Token(Arc::clone(&jti)), keep_until)
            .revoke_token(jti, keep_until);
    }

    /// Extends the revocation of a token that is revoked.
    pub(super) fn extend_token(&mut self, user_id: &str, jti: &str, keep_until: NumericDate) {
        if let Some(user) = self.users.get_mut(user_id) {
            user.revoke_token(jti.into(), keep_until);
        }
    }

    /// Remembers the use of an id that was not used before and is not that of a token.
    pub(super) fn add_use(&mut self, user_id: &str, id: &str, keep_until: NumericDate) {
        let id: Arc<str> = id.into();
        self.extend(user_id, Entry::Use(Arc::clone(&id)), keep_until).add_use(id, keep_until);
    }

    /// Sets the label of a live session, and returns whether there is one.
    pub(super) fn set_label(
        &mut self,
        user_id: &str,
        session_id: &str,
        label: Option<&str>,
        now: NumericDate,
    ) -> bool {
        let user = self.users.get_mut(user_id);
        user.is_some_and(|user| user.set_label(session_id, label, now))
    }

    /// The state of a user, who is to be revoked.
    pub(super) fn revoked_user(
        &mut self,
        user_id: &str,
        keep_until: NumericDate,
    ) -> &mut UserState {
        if self.users.get(user_id).is_some_and(UserState::is_revoked) {
            return self.users.entry(user_id.into()).or_default();
        }
        self.extend(user_id, Entry::User, keep_until)
    }

    fn user_mut(&mut self, user_id: &str) -> Option<(Arc<str>, &mut UserState)> {
        let (id, _) = self.users.get_key_value(user_id)?;
        let id = Arc::clone(id);
        Some((id, self.users.get_mut(user_id)?))
    }

    /// The state of a user, to which the caller adds `entry`, which is new.
    fn extend(&mut self, user_id: &str, entry: Entry, keep_until: NumericDate) -> &mut UserState {
        let known = self.users.get_key_value(user_id);
        let user_id = known.map_or_else(|| user_id.into(), |(user_id, _)| Arc::clone(user_id));
        self.due.push(Reverse((keep_until, Arc::clone(&user_id), entry)));
        self.users.entry(user_id).or_default()
    }

    /// Whether there is an element that is due at `now`.
    pub(super) fn is_due(&self, now: NumericDate) -> bool {
        self.due.peek().is_some_and(|next| next.0.0 <= now)
    }

    /// Looks at one element after another that is due at `now`, and returns whether its entry was
    /// forgotten.
    pub(super) fn sweep(&mut self, now: NumericDate) -> impl Iterator<Item = bool> {
        iter::from_fn(move || {
            let next = self.due.peek_mut().filter(|next| next.0.0 <= now)?;
            let Reverse((_, user_id, entry)) = PeekMut::pop(next);
            let Some(user) = self.users.get_mut(&user_id) else { return Some(false) };
            // An entry whose time came earlier has left an element behind.
            let Some(keep_until) = user.keep_until(&entry, now) else { return Some(false) };
            if keep_until > now {
                self.due.push(Reverse((keep_until, user_id, entry)));
                return Some(false);
            }
            user.forget(&entry);
            if user.is_empty() {
                self.users.remove(&user_id);
            }
            Some(true)
        })
    }
}

impl UserState {
    /// Until when a known entry must be remembered.
    fn keep_until(&self, entry: &Entry, now: NumericDate) -> Option<NumericDate> {
        match entry {
            Entry::Session(id) => self.session_keep_until(id),
            Entry::Token(jti) => self.token_keep_until(jti),
            Entry::Use(id) => self.use_keep_until(id),
            Entry::User => {
                let keep_until = self.revoked_keep_until()?;
                let recheck = keep_until <= now && self.has_sessions();
                Some(if recheck { now.saturating_add(RECHECK_AFTER) } else { keep_until })
            }
        }
    }

    fn forget(&mut self, entry: &Entry) {
        match entry {
            Entry::Session(id) => self.forget_session(id),
            Entry::Token(jti) => self.forget_token(jti),
            Entry::Use(id) => self.forget_use(id),
            Entry::User => self.forget_revocation(),
        }
    }
}
