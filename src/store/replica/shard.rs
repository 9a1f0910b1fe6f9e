//! A share of the users, with what is revoked of them.

use std::collections::{HashMap, hash_map::Entry};

use crate::clock::NumericDate;

use super::{
    digest::{Digest, Direct},
    filter::{Block, Filter},
    lines::{Line, Lines},
};

#[derive(Default)]
pub(super) struct Shard {
    /// What may be among all that follows.
    filter: Filter,
    /// Revoked tokens, ended sessions and revoked users, with the time until when that must be
    /// remembered.
    lines: Lines,
    /// Those for which there was no room in their lines.
    spilled: HashMap<Digest, NumericDate, Direct>,
    /// More about the users among them.
    users: HashMap<Digest, RevokedUser, Direct>,
}

/// A user of whom not everything is known that is revoked.
#[derive(Clone, Copy)]
pub(super) struct RevokedUser {
    /// Tokens without a session that were issued before are revoked.
    pub(super) refused_before: NumericDate,
    /// Whether tokens with a session that were issued before are revoked, only the store knows.
    pub(super) asked_before: NumericDate,
    pub(super) keep_until: NumericDate,
}

impl Shard {
    fn len(&self) -> usize {
        self.lines.len() + self.spilled.len()
    }

    /// Where the ids of a user are found.
    pub(super) fn place(&self, user: Digest) -> Place<'_> {
        let (block, line) = (self.filter.block(user), self.lines.line(user));
        Place { block, line, spilled: &self.spilled }
    }

    pub(super) fn user(&self, user: Digest) -> Option<&RevokedUser> {
        self.users.get(&user)
    }

    /// Adds an id, or extends the time for which it is remembered, and tells whether it is there
    /// now. For a new one it takes `has_room`.
    pub(super) fn add_id(
        &mut self,
        id: Digest,
        keep_until: NumericDate,
        has_room: impl FnOnce() -> bool,
    ) -> bool {
        if self.lines.extend(id, keep_until) {
            return true;
        }
        if let Some(known) = self.spilled.get_mut(&id) {
            *known = keep_until.max(*known);
            return true;
        }
        if !has_room() {
            return false;
        }
        if self.lines.is_full() {
            self.arrange(self.lines.len() + 1, NumericDate::default());
        }
        self.insert(id, keep_until);
        true
    }

    /// Adds a user, or extends what is revoked of it. For a new one it takes `has_room`.
    pub(super) fn add_user(
        &mut self,
        user: Digest,
        revoked: RevokedUser,
        has_room: impl FnOnce() -> bool,
    ) {
        if !self.add_id(user, revoked.keep_until, has_room) {
            return;
        }
        match self.users.entry(user) {
            Entry::Occupied(mut known) => {
                let known = known.get_mut();
                known.refused_before = revoked.refused_before.max(known.refused_before);
                known.asked_before = revoked.asked_before.max(known.asked_before);
                known.keep_until = revoked.keep_until.max(known.keep_until);
            }
            Entry::Vacant(vacant) => {
                vacant.insert(revoked);
            }
        }
    }

    /// Forgets what is over at `now`, and tells how much that was.
    pub(super) fn sweep(&mut self, now: NumericDate) -> usize {
        let before = self.len();
        let is_over = |(_, keep_until): (_, NumericDate)| keep_until <= now;
        let over = self.lines.entries().filter(|entry| is_over(*entry)).count();
        if over > 0 || self.spilled.values().any(|keep_until| *keep_until <= now) {
            self.users.retain(|_, user| user.keep_until > now);
            shrink(&mut self.users);
            self.arrange(self.lines.len() - over, now);
        }
        before - self.len()
    }

    /// Gives the entries that are not over at `now` new places, with room for so many in lines and
    /// some more.
    fn arrange(&mut self, entries: usize, now: NumericDate) {
        let entries = entries + entries / 3;
        self.filter = Filter::for_entries(entries);
        let lines = std::mem::replace(&mut self.lines, Lines::for_entries(entries));
        let spilled = std::mem::take(&mut self.spilled);
        for (id, keep_until) in lines.entries().chain(spilled) {
            if keep_until > now {
                self.insert(id, keep_until);
            }
        }
    }

    fn insert(&mut self, id: Digest, keep_until: NumericDate) {
        self.filter.add(id);
        if !self.lines.insert(id, keep_until) {
            self.spilled.insert(id, keep_until);
        }
    }
}

/// What a shard says of a user and its ids.
pub(super) struct Place<'a> {
    block: Option<&'a Block>,
    line: &'a Line,
    spilled: &'a HashMap<Digest, NumericDate, Direct>,
}

impl Place<'_> {
    /// Whether there may be something of the user.
    pub(super) fn may_mention(&self, user: Digest) -> bool {
        // The line may be far away.
        self.block.map_or_else(|| self.line.may_mention(user), |block| block.may_mention(user))
    }

    pub(super) fn lists(&self, id: Digest) -> bool {
        self.block.is_none_or(|block| block.may_list(id))
            && (self.line.lists(id) || (self.line.has_spilled() && self.spilled.contains_key(&id)))
    }
}

/// Gives back the room that a table needed at its fullest.
fn shrink<T>(table: &mut HashMap<Digest, T, Direct>) {
    if table.capacity() / 4 > table.len() {
        table.shrink_to(table.len() * 2);
    }
}
