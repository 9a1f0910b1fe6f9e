//! What Redis does in one step: a Lua script for each kind of call.
//!
//! All data of a user is one hash, `KEYS[1]`, and no script uses another key. Its fields are
//!
//! | field | entry |
//! |---|---|
//! | `s:<session id>` | a session: `keep_until`, `last_used_at`, `expires_at`, `created_at`, `generation`, and the names of the refresh tokens to be spent next and spent last. An ended session: `keep_until`, `e`, and the name of the successor in the second spending that ended it |
//! | `l:<session id>` | the label of the session, if it has one |
//! | `t<length of jti>:<jti>` | a revoked token: `keep_until`. The field is the token's name |
//! | `u` | the revocation of the user: `at`, and `generation`, the number of revocations |
//! | `c` | the cursor of `sweep.lua` |
//!
//! Entries are strings, which Lua cuts and joins several times faster than it packs and unpacks
//! values. Times and generations have twelve digits, so they compare as strings. No token's name is
//! the beginning of another one. Revoking a user increments the generation, whatever the number of
//! sessions: a session of an older generation has ended. `u` is only forgotten with the whole hash, so
//! a generation is never used again while a session of it is remembered.
//!
//! **Time.** `now` comes with the call, and so does every time that is compared with it. The clock of
//! Redis only counts down the hash's time to live, `ttl` seconds from now, which is never shortened.
//! It is an hour longer than necessary, so most rotations need not extend it.
//!
//! **Repetition.** A reply may be lost, and the client library then repeats the call with the same
//! arguments. A second `begin` finds the session and changes nothing. A second `spend` is recognized
//! by its successor, an id that no other call carries. Revocations may be repeated; sessions of the
//! user that began between the two were begun before the call returned.

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

    pub(super) fn by_hash(&self, key: &str, channel: &str, args: &impl ToRedisArgs) -> Cmd {
        command("EVALSHA", &self.hash, key, channel, args)
    }

    /// For a server that does not know the script. Unlike `SCRIPT LOAD`, this reaches the right node
    /// of a cluster and needs no second call.
    pub(super) fn in_full(&self, key: &str, channel: &str, args: &impl ToRedisArgs) -> Cmd {
        command("EVAL", &self.source, key, channel, args)
    }
}

fn command(name: &str, script: &str, key: &str, channel: &str, args: &impl ToRedisArgs) -> Cmd {
    let count = 5 + args.num_of_args();
    let mut command = Cmd::with_capacity(count, script.len() + 48 * count);
    command.arg(name).arg(script).arg(1).arg(key).arg(channel).arg(args);
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
    BEGIN = open write has_ended ended sweep live_sessions begin;
    SPEND = open spend_first write ended sweep spend;
    REVOKE_TOKEN = open write sweep revoke_token;
    REVOKE_SESSION = open write ended sweep revoke_session;
    REVOKE_USER = open write has_ended revoke_user;
    IS_REVOKED = open must_be_writable has_ended is_revoked;
    SESSIONS = open must_be_writable has_ended live_sessions sessions;
    REVOCATIONS = open revocations;
    HEARTBEAT = open must_be_writable heartbeat;
    CLUSTER_HEARTBEAT = open must_be_writable cluster_heartbeat;
}
