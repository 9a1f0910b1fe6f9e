//! What Redis does in one step: a Lua script for each kind of call.
//!
//! A user is one hash, `KEYS[1]`, and no script touches anything else. Its fields are
//!
//! | field | entry |
//! |---|---|
//! | `s:<session id>` | a session: `created_at`, `last_used_at`, `expires_at`, `keep_until`, `current` and `previous` (the ids of the refresh tokens to be spent next and spent last), `generation`, `label`; or, ended, `ended` and `keep_until` |
//! | `t:<jti>` | a revoked token: `keep_until` |
//! | `u` | of a user that was revoked: `at`, and `generation`, which counts how often |
//! | `c` | where [`SWEEP`] goes on |
//!
//! Entries are packed with MessagePack. The revocation of a user is one new generation, whatever
//! the number of its sessions: a session of an older one has ended. `u` is forgotten with the hash
//! only, so a generation never comes back while a session of it is remembered.
//!
//! **Time.** `now` and what is compared with it comes with the call. Redis' own clock only counts
//! down the time to live of the hash, `ttl` seconds from now, which is never shortened: Redis
//! forgets a user as a whole when nothing of it is worth remembering.
//!
//! **Repetition.** An answer may be lost, and the call repeated by the client library with the same
//! arguments: a second `begin` finds the session and changes nothing; a second `spend` is known by
//! its successor, an id that no other call carries; revocations may be repeated by contract, and a
//! user's sessions begun between the two were begun before the call was over.

use std::sync::LazyLock;

use redis::{Cmd, ToRedisArgs};

/// A script that Redis knows by its hash, once it has seen it.
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
        let mut command = redis::cmd("EVALSHA");
        command.arg(&self.hash).arg(1).arg(key).arg(channel).arg(args);
        command
    }

    /// For a server that does not know the script. Unlike `SCRIPT LOAD` this goes to the one node
    /// of a cluster that needs it, and needs no second call.
    pub(super) fn in_full(&self, key: &str, channel: &str, args: &impl ToRedisArgs) -> Cmd {
        let mut command = redis::cmd("EVAL");
        command.arg(&self.source).arg(1).arg(key).arg(channel).arg(args);
        command
    }
}

macro_rules! scripts {
    ($($name:ident = $($part:ident)+;)*) => {$(
        pub(super) static $name: LazyLock<Script> = LazyLock::new(|| Script::new(&[$($part),+]));
    )*};
}
scripts! {
    BEGIN = READ REVOCATION WRITE HAS_ENDED ENDED SWEEP LIVE_SESSIONS BEGIN_LUA;
    SPEND = READ REVOCATION WRITE HAS_ENDED ENDED SWEEP SPEND_LUA;
    REVOKE_TOKEN = READ REVOCATION WRITE SWEEP REVOKE_TOKEN_LUA;
    REVOKE_SESSION = READ REVOCATION WRITE ENDED SWEEP REVOKE_SESSION_LUA;
    REVOKE_USER = READ REVOCATION WRITE HAS_ENDED REVOKE_USER_LUA;
    IS_REVOKED = READ MUST_BE_WRITABLE HAS_ENDED IS_REVOKED_LUA;
    SESSIONS = READ MUST_BE_WRITABLE HAS_ENDED LIVE_SESSIONS SESSIONS_LUA;
    REVOCATIONS = READ REVOCATION REVOCATIONS_LUA;
    BEAT = READ MUST_BE_WRITABLE BEAT_LUA;
}

const READ: &str = r"
local user = KEYS[1]
local channel = table.remove(ARGV, 1) -- which this leaves as the script's own arguments

-- The entries under these fields; false for one that is not there.
local function read(...)
  local entries = redis.call('HMGET', user, ...)
  for i, packed in ipairs(entries) do
    entries[i] = packed and cmsgpack.unpack(packed)
  end
  return unpack(entries)
end
";

const REVOCATION: &str = r"
-- What is to be known elsewhere: an entry that revokes something, as its field, its time and for
-- how many seconds the user is remembered; nil for any other.
local function revocation(field, entry, ttl)
  local is_token = string.sub(field, 1, 2) == 't:'
  if entry.ended or is_token or field == 'u' then
    return {field, entry.keep_until or entry.at, tonumber(ttl)}
  end
end
";

const WRITE: &str = r"
-- Stores an entry, and remembers the user for ttl seconds at least. It is told first: should that
-- fail, nothing is stored.
local function write(field, entry, ttl)
  local revoked = revocation(field, entry, ttl)
  if revoked then
    redis.call('PUBLISH', channel, cjson.encode({user, unpack(revoked)}))
  end
  redis.call('HSET', user, field, cmsgpack.pack(entry))
  if redis.call('TTL', user) < tonumber(ttl) then
    redis.call('EXPIRE', user, ttl)
  end
end
";

const MUST_BE_WRITABLE: &str = r"
-- Fails where nothing can be written: on a replica, or a master that was cut off from enough of its
-- replicas. What was revoked elsewhere may not be known there.
local function must_be_writable()
  redis.call('HDEL', user, '') -- an empty field is never there
end
";

const HAS_ENDED: &str = r"
local function generation_of(revoked_user)
  return revoked_user and revoked_user.generation or 0
end

local function has_ended(session, revoked_user)
  return session.ended ~= nil or session.generation < generation_of(revoked_user)
end
";

const ENDED: &str = r"
-- An ended session; what it was ended by, if that was a second spending.
local function ended(session, keep_until, by)
  return {ended = by or '', keep_until = math.max(session and session.keep_until or 0, keep_until)}
end
";

const SWEEP: &str = r"
-- Looks at some entries, and the next time at the next ones, and forgets those whose time has
-- come. Called where one entry is added, it looks at more than one, so that forgetting keeps up.
local function sweep(now)
  local cursor = redis.call('HGET', user, 'c') or '0'
  local page = redis.call('HSCAN', user, cursor, 'COUNT', 8)
  for i = 1, #page[2], 2 do
    local field, packed = page[2][i], page[2][i + 1]
    if field ~= 'u' and field ~= 'c' and cmsgpack.unpack(packed).keep_until <= now then
      redis.call('HDEL', user, field)
    end
  end
  if page[1] ~= cursor then
    redis.call('HSET', user, 'c', page[1])
  end
end
";

const LIVE_SESSIONS: &str = r"
-- The sessions that have neither ended nor expired, each with its id.
local function live_sessions(now)
  local revoked_user = read('u')
  local entries, live = redis.call('HGETALL', user), {}
  for i = 1, #entries, 2 do
    local id = string.match(entries[i], '^s:(.*)$')
    if id then
      local session = cmsgpack.unpack(entries[i + 1])
      if not has_ended(session, revoked_user) and session.expires_at > now then
        session.id = id
        live[#live + 1] = session
      end
    end
  end
  return live
end
";

const BEGIN_LUA: &str = r"
local field, refresh, ttl, label = 's:' .. ARGV[1], ARGV[2], ARGV[7], ARGV[8]
local now, expires_at, keep_until = tonumber(ARGV[3]), tonumber(ARGV[4]), tonumber(ARGV[5])
local limit = tonumber(ARGV[6]) -- 0 for none

local known, revoked_user = read(field, 'u')
if known then
  return
end
if limit > 0 then
  local live = live_sessions(now)
  table.sort(live, function(a, b) return a.last_used_at > b.last_used_at end)
  for i = limit, #live do
    write('s:' .. live[i].id, ended(live[i], 0), ttl)
  end
end
sweep(now)
write(field, {
  created_at = now, last_used_at = now, expires_at = expires_at, keep_until = keep_until,
  current = refresh, generation = generation_of(revoked_user), label = label,
}, ttl)
";

/// Answers one of the numbers below, or else the successor and when it was named.
const SPEND_LUA: &str = r"
local FIRST, REUSED, REVOKED = 1, 2, 3
local field, refresh, successor, ttl = 's:' .. ARGV[1], ARGV[2], ARGV[3], ARGV[10]
local issued_at, grace, adopt = tonumber(ARGV[4]), tonumber(ARGV[5]), ARGV[6] == '1'
local now, expires_at, keep_until = tonumber(ARGV[7]), tonumber(ARGV[8]), tonumber(ARGV[9])

local session, revoked_token, revoked_user = read(field, 't:' .. refresh, 'u')
if revoked_token then
  return REVOKED
end
if not session then
  if not adopt or (revoked_user and issued_at <= revoked_user.at) then
    return REVOKED
  end
  sweep(now)
  session = {
    created_at = issued_at, keep_until = keep_until,
    current = refresh, generation = generation_of(revoked_user),
  }
end
if has_ended(session, revoked_user) then
  -- By this very call, whose answer was lost?
  return session.ended == successor and REUSED or REVOKED
end
if session.current == refresh then
  session.current, session.previous = successor, refresh
  session.last_used_at, session.expires_at = now, expires_at
  session.keep_until = math.max(session.keep_until, keep_until)
  write(field, session, ttl)
  return FIRST
end
if session.previous == refresh then
  if session.current == successor then
    return FIRST -- by this very call, whose answer was lost
  end
  local spent_at = session.last_used_at
  if math.max(now - spent_at, 0) < grace then
    return {session.current, spent_at}
  end
end
write(field, ended(session, keep_until, successor), ttl)
return REUSED
";

const REVOKE_TOKEN_LUA: &str = r"
local field, now, keep_until, ttl = 't:' .. ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3]), ARGV[4]

local known = read(field)
sweep(now)
write(field, {keep_until = math.max(known and known.keep_until or 0, keep_until)}, ttl)
";

const REVOKE_SESSION_LUA: &str = r"
local field, now, keep_until, ttl = 's:' .. ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3]), ARGV[4]

local session = read(field)
sweep(now)
write(field, ended(session, keep_until), ttl)
";

const REVOKE_USER_LUA: &str = r"
local now, ttl = tonumber(ARGV[1]), ARGV[2]
local excepted_field = ARGV[3] and 's:' .. ARGV[3] or ''

local excepted, revoked_user = read(excepted_field, 'u')
local generation = generation_of(revoked_user) + 1
if excepted and not has_ended(excepted, revoked_user) then
  excepted.generation = generation
  write(excepted_field, excepted, ttl)
end
local at = math.max(revoked_user and revoked_user.at or 0, now)
write('u', {at = at, generation = generation}, ttl)
";

const IS_REVOKED_LUA: &str = r"
local session_id, jti = ARGV[4] == '1' and ARGV[5], ARGV[6]
local issued_at, is_refresh, adopt = tonumber(ARGV[1]), ARGV[2] == '1', ARGV[3] == '1'

must_be_writable()
local session, revoked_token, revoked_user =
  read(session_id and 's:' .. session_id or '', jti and 't:' .. jti or '', 'u')
if revoked_token then
  return 1
end
if session then
  if has_ended(session, revoked_user) or (is_refresh and session.current ~= jti) then
    return 1
  end
elseif is_refresh and not adopt then
  return 1
elseif revoked_user and issued_at <= revoked_user.at then
  return 1
end
return 0
";

const SESSIONS_LUA: &str = r"
local now = tonumber(ARGV[1])

must_be_writable()
local answer = {}
for i, session in ipairs(live_sessions(now)) do
  answer[i] = {
    session.id, session.created_at, session.last_used_at, session.expires_at,
    session.label or false,
  }
end
return answer
";

/// What is to be known elsewhere of a user.
const REVOCATIONS_LUA: &str = r"
local ttl = redis.call('TTL', user)
local entries, revoked = redis.call('HGETALL', user), {}
for i = 1, #entries, 2 do
  if entries[i] ~= 'c' then
    revoked[#revoked + 1] = revocation(entries[i], cmsgpack.unpack(entries[i + 1]), ttl)
  end
end
return revoked
";

/// A sign of life for one subscriber, which is only told where revocations can be written.
const BEAT_LUA: &str = r"
must_be_writable()
redis.call('PUBLISH', channel, ARGV[1])
";
