//! A share of the users, whose entries are forgotten when their time has come.

use std::{
    cmp::Reverse,
    collections::{BinaryHeap, HashMap, binary_heap::PeekMut},
    iter,
    sync::Arc,
};

use crate::clock::NumericDate;

use super::state::{SessionState, UserState};

/// All that is known of a user stands in one shard, under one lock, which makes every step atomic.
#[derive(Default)]
pub(super) struct Shard {
    users: HashMap<Arc<str>, UserState>,
    /// One element an entry: when to look at it. An entry that must be kept longer by then goes
    /// back.
    due: BinaryHeap<Reverse<(NumericDate, Arc<str>, Entry)>>,
}

/// What is counted, and forgotten at its own time: a session or a revocation of some user.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Entry {
    Session(Arc<str>),
    Token(Arc<str>),
    User,
}

impl Shard {
    pub(super) fn user(&self, user_id: &str) -> Option<&UserState> {
        self.users.get(user_id)
    }

    pub(super) fn user_mut(&mut self, user_id: &str) -> Option<&mut UserState> {
        self.users.get_mut(user_id)
    }

    pub(super) fn add_session(&mut self, user_id: &str, session_id: &str, state: SessionState) {
        let id: Arc<str> = session_id.into();
        self.extend(user_id, Entry::Session(Arc::clone(&id)), state.keep_until)
            .sessions
            .insert(id, state);
    }

    pub(super) fn add_token(&mut self, user_id: &str, jti: &str, keep_until: NumericDate) {
        let jti: Arc<str> = jti.into();
        self.extend(user_id, Entry::Token(Arc::clone(&jti)), keep_until)
            .tokens
            .insert(jti, keep_until);
    }

    /// The state of a user, which is to be revoked for the first time.
    pub(super) fn add_revoked_user(
        &mut self,
        user_id: &str,
        keep_until: NumericDate,
    ) -> &mut UserState {
        self.extend(user_id, Entry::User, keep_until)
    }

    /// The state of a user, to which the caller adds `entry`, which is new.
    fn extend(&mut self, user_id: &str, entry: Entry, keep_until: NumericDate) -> &mut UserState {
        let known = self.users.get_key_value(user_id);
        let user_id = known.map_or_else(|| user_id.into(), |(user_id, _)| Arc::clone(user_id));
        self.due.push(Reverse((keep_until, Arc::clone(&user_id), entry)));
        self.users.entry(user_id).or_default()
    }

    /// Looks at one entry after another that is due at `now`, and tells whether it was dropped.
    pub(super) fn sweep(&mut self, now: NumericDate) -> impl Iterator<Item = bool> {
        iter::from_fn(move || {
            let next = self.due.peek_mut().filter(|next| next.0.0 <= now)?;
            let Reverse((_, user_id, entry)) = PeekMut::pop(next);
            let user = self.users.get_mut(&user_id)?;
            match user.keep_until(&entry).filter(|keep_until| *keep_until > now) {
                Some(keep_until) => {
                    self.due.push(Reverse((keep_until, user_id, entry)));
                    Some(false)
                }
                None => {
                    user.forget(&entry);
                    if user.is_empty() {
                        self.users.remove(&user_id);
                    }
                    Some(true)
                }
            }
        })
    }
}

impl UserState {
    fn keep_until(&self, entry: &Entry) -> Option<NumericDate> {
        match entry {
            Entry::Session(id) => self.sessions.get(id).map(|session| session.keep_until),
            Entry::Token(jti) => self.tokens.get(jti).copied(),
            Entry::User => self.revoked.as_ref().map(|revoked| revoked.keep_until),
        }
    }

    fn forget(&mut self, entry: &Entry) {
        match entry {
            Entry::Session(id) => drop(self.sessions.remove(id)),
            Entry::Token(jti) => drop(self.tokens.remove(jti)),
            Entry::User => self.revoked = None,
        }
    }
}
