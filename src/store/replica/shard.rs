//! A share of the users, with what is revoked of them.

use std::collections::{HashMap, hash_map::Entry};

use crate::clock::NumericDate;

use super::digest::{Digest, Direct};

#[derive(Default)]
pub(super) struct Shard {
    /// Revoked tokens and ended sessions, with the time until when that must be remembered.
    ids: HashMap<Digest, NumericDate, Direct>,
    users: HashMap<Digest, RevokedUser, Direct>,
    mentioned: Filter,
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
    pub(super) fn len(&self) -> usize {
        self.ids.len() + self.users.len()
    }

    /// Whether there may be an entry of a user. Of most there is none, and this tells so with one
    /// look.
    pub(super) fn may_mention(&self, user: Digest) -> bool {
        self.mentioned.may_hold(user)
    }

    pub(super) fn lists(&self, id: Digest) -> bool {
        self.ids.contains_key(&id)
    }

    pub(super) fn user(&self, user: Digest) -> Option<&RevokedUser> {
        self.users.get(&user)
    }

    /// Adds an id, or extends the time for which it is remembered. For a new one it takes
    /// `has_room`.
    pub(super) fn add_id(
        &mut self,
        id: Digest,
        keep_until: NumericDate,
        has_room: impl FnOnce() -> bool,
    ) {
        match self.ids.entry(id) {
            Entry::Occupied(mut known) => {
                let known = known.get_mut();
                *known = keep_until.max(*known);
            }
            Entry::Vacant(vacant) => {
                if has_room() {
                    vacant.insert(keep_until);
                    self.mention(id);
                }
            }
        }
    }

    /// Adds a user, or extends what is revoked of it. For a new one it takes `has_room`.
    pub(super) fn add_user(
        &mut self,
        user: Digest,
        revoked: RevokedUser,
        has_room: impl FnOnce() -> bool,
    ) {
        match self.users.entry(user) {
            Entry::Occupied(mut known) => {
                let known = known.get_mut();
                known.refused_before = revoked.refused_before.max(known.refused_before);
                known.asked_before = revoked.asked_before.max(known.asked_before);
                known.keep_until = revoked.keep_until.max(known.keep_until);
            }
            Entry::Vacant(vacant) => {
                if has_room() {
                    vacant.insert(revoked);
                    self.mention(user);
                }
            }
        }
    }

    /// Forgets what is over at `now`, and tells how much that was.
    pub(super) fn sweep(&mut self, now: NumericDate) -> usize {
        let before = self.len();
        self.ids.retain(|_, keep_until| *keep_until > now);
        self.users.retain(|_, user| user.keep_until > now);
        let swept = before - self.len();
        if swept > 0 {
            shrink(&mut self.ids);
            shrink(&mut self.users);
            self.mention_all();
        }
        swept
    }

    fn mention(&mut self, entry: Digest) {
        if self.mentioned.has_room_for(self.len()) {
            self.mentioned.add(entry);
        } else {
            self.mention_all();
        }
    }

    fn mention_all(&mut self) {
        self.mentioned = Filter::for_entries(self.len());
        for entry in self.ids.keys().chain(self.users.keys()) {
            self.mentioned.add(*entry);
        }
    }
}

/// Gives back the room that a table needed at its fullest.
fn shrink<T>(table: &mut HashMap<Digest, T, Direct>) {
    if table.capacity() / 4 > table.len() {
        table.shrink_to(table.len() * 2);
    }
}

/// A Bloom filter of users with two bits of one word for each, of 16 bits an entry and more.
#[derive(Default)]
struct Filter(Box<[u64]>);

impl Filter {
    fn for_entries(entries: usize) -> Self {
        match entries {
            0 => Self::default(),
            _ => Self(vec![0; (entries / 2).next_power_of_two()].into()),
        }
    }

    fn has_room_for(&self, entries: usize) -> bool {
        entries <= self.0.len() * 4
    }

    fn add(&mut self, entry: Digest) {
        let (word, bits) = self.place(entry);
        if let Some(word) = self.0.get_mut(word) {
            *word |= bits;
        }
    }

    fn may_hold(&self, entry: Digest) -> bool {
        let (word, bits) = self.place(entry);
        self.0.get(word).is_some_and(|word| word & bits == bits)
    }

    fn place(&self, entry: Digest) -> (usize, u64) {
        let user = entry.user();
        let word = (user >> 12) as usize & self.0.len().wrapping_sub(1);
        (word, 1 << (user & 63) | 1 << (user >> 6 & 63))
    }
}
