//! What Redis does in one step: a Lua script for each kind of call.
//!
//! # Data
//!
//! All data of a user is in two keys of one slot. `KEYS[1]`, in the scripts `user`, is a hash with the
//! fields
//!
//! | field | entry |
//! |---|---|
//! | `s:<session id>` | a session: `keep_until`, `last_used_at`, `expires_at`, `created_at`, `generation`, `access_until`, and the names of the refresh tokens to be spent next and spent last. An ended session: the time until which it is remembered, `e`, and the name of the successor in the second spending that ended it |
//! | `l:<session id>` | the label of the session, if it has one |
//! | `t<length of jti>:<jti>` | a revoked token: `keep_until`. The field is the token's name |
//! | `o:<id>` | a consumed id that is not that of a token: `keep_until` |
//! | `u` | the revocation of the user: `at`, its `generation`, and `keep_until` |
//! | `g` | the highest generation that a session has begun with |
//! | `x` | a time before which no session of `used` expires |
//! | `c` | the cursor of `sweep.lua` |
//!
//! Entries are strings, which Lua cuts and joins several times faster than it packs and unpacks
//! values. Times and generations have twelve digits, so they compare as strings. No token's name is
//! the beginning of another one.
//!
//! `KEYS[2]`, in the scripts `used`, is a sorted set of the sessions that have not ended, by their last
//! use. Some of them may have expired. Spending does not move a session in it, unless its clock is
//! behind: the score of a session is at most its `last_used_at`.
//!
//! The generation is a key of its own, in another slot.
//!
//! Attempts to log in are counted in a key for each name: a string of the time until which the level
//! has fallen to zero, the time until which attempts are blocked, and the id of the last attempt.
//!
//! # Bounds
//!
//! No script reads or changes all sessions of a user. Revoking a user stores its generation, whatever
//! the number of sessions: a session of a lower generation has ended. A login ends at most 100 sessions,
//! a page lists at most 100, and every write sweeps a few expired entries.
//!
//! # Time
//!
//! `now` comes with the call, and so does every time that is compared with it. To forget something, the
//! clock of Redis must have passed its time as well, by a minute: a machine whose clock is ahead deletes
//! nothing that is live. The time to live of the keys is an hour longer than necessary, so most rotations need not
//! extend it.
//!
//! # Repetition
//!
//! A reply may be lost, and the client library then repeats the call with the same arguments. A second
//! `begin` finds the session and changes nothing. A second `spend` is recognized by its successor, an id
//! that no other call carries. A second `consume` may find the id consumed by the first. Revocations
//! may be repeated; sessions of the user that began between the
//! two were begun before the call returned.

use std::sync::LazyLock;

use redis::{Cmd, ToRedisArgs};

/// A script that Redis knows by its hash once it has run it.
pub(super) struct Script {
    source: String,
    hash: String,
}

impl Script {
    fn new(parts: &[&str]) -> Self {
        let source = parts.concat();
        let hash = redis::Script::new(&source).get_hash().to_owned();
        Self { source, hash }
    }

    pub(super) fn by_hash(&self, keys: &[&str], channel: &str, args: &impl ToRedisArgs) -> Cmd {
        command("EVALSHA", &self.hash, keys, channel, args)
    }

    /// For a server that does not know the script. Unlike `SCRIPT LOAD`, this reaches the right node
    /// of a cluster and needs no second call.
    pub(super) fn in_full(&self, keys: &[&str], channel: &str, args: &impl ToRedisArgs) -> Cmd {
        command("EVAL", &self.source, keys, channel, args)
    }
}

fn command(name: &str, script: &str, keys: &[&str], channel: &str, args: &impl ToRedisArgs) -> Cmd {
    let count = 4 + keys.len() + args.num_of_args();
    let mut command = Cmd::with_capacity(count, script.len() + 48 * count);
    command.arg(name).arg(script).arg(keys.len()).arg(keys).arg(channel).arg(args);
    command
}

macro_rules! scripts {
    ($($name:ident = $($part:ident)+;)*) => {$(
        pub(super) static $name: LazyLock<Script> = LazyLock::new(|| {
            Script::new(&[$(include_str!(concat!("lua/", stringify!($part), ".lua"))),+])
        });
    )*};
}
scripts! {
    BEGIN = open clock remember entries end_session sweep end_surplus begin;
    SPEND = open spend_unspent clock remember end_session sweep spend;
    CONSUME = open clock remember entries sweep consume;
    REVOKE_TOKEN = open clock remember entries sweep revoke_token;
    REVOKE_SESSION = open clock remember entries end_session sweep revoke_session;
    REVOKE_USER = open clock remember entries revoke_user;
    IS_REVOKED = open must_be_writable entries is_revoked;
    SESSIONS = open must_be_writable entries sessions;
    SET_LABEL = open must_be_writable entries set_label;
    ATTEMPT = open clock attempt;
    TAKE_BACK = open take_back;
    FORGET_ATTEMPTS = open forget_attempts;
    GENERATION = open generation;
    RAISE_GENERATION = open raise_generation;
    REVOCATIONS = open revocations;
    HEARTBEAT = open must_be_writable heartbeat;
    CLUSTER_HEARTBEAT = open must_be_writable cluster_heartbeat;
    PING = open ping;
}
