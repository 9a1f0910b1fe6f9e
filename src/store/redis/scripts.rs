//! What Redis does in one step: a Lua script for each kind of call.
//!
//! A user is one hash, `KEYS[1]`, and no script touches anything else. Its fields are
//!
//! | field | entry |
//! |---|---|
//! | `s:<session id>` | a session: `keep_until`, `last_used_at`, `expires_at`, `created_at`, `generation`, and the names of the refresh tokens to be spent next and spent last; or, ended: `keep_until`, `e`, and the name of the successor that a second spending came with |
//! | `l:<session id>` | its label, if it has one |
//! | `t<length of jti>:<jti>` | a revoked token: `keep_until`. This is the token's name |
//! | `u` | of a user that was revoked: `at`, and `generation`, which counts how often |
//! | `c` | where [`SWEEP`] goes on |
//!
//! Entries are text, which Lua cuts and joins several times faster than it unpacks and packs
//! anything. Times and generations have twelve digits, so that they compare as text; no name is
//! the beginning of another one. The revocation of a user is one new generation, whatever the
//! number of its sessions: a session of an older one has ended. `u` is forgotten with the hash
//! only, so a generation never comes back while a session of it is remembered.
//!
//! **Time.** `now` and what is compared with it comes with the call. Redis' own clock only counts
//! down the time to live of the hash, `ttl` seconds from now, which is never shortened: Redis
//! forgets a user as a whole when nothing of it is worth remembering. It is an hour more than what is
//! written needs, so that most rotations leave it alone.
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
        command("EVALSHA", &self.hash, key, channel, args)
    }

    /// For a server that does not know the script. Unlike `SCRIPT LOAD` this goes to the one node
    /// of a cluster that needs it, and needs no second call.
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
        pub(super) static $name: LazyLock<Script> = LazyLock::new(|| Script::new(&[$($part),+]));
    )*};
}
scripts! {
    BEGIN = OPEN WRITE HAS_ENDED ENDED SWEEP LIVE_SESSIONS BEGIN_LUA;
    SPEND = OPEN SPEND_FIRST_LUA WRITE ENDED SWEEP SPEND_LUA;
    REVOKE_TOKEN = OPEN WRITE SWEEP REVOKE_TOKEN_LUA;
    REVOKE_SESSION = OPEN WRITE ENDED SWEEP REVOKE_SESSION_LUA;
    REVOKE_USER = OPEN WRITE HAS_ENDED REVOKE_USER_LUA;
    IS_REVOKED = OPEN MUST_BE_WRITABLE HAS_ENDED IS_REVOKED_LUA;
    SESSIONS = OPEN MUST_BE_WRITABLE HAS_ENDED LIVE_SESSIONS SESSIONS_LUA;
    REVOCATIONS = OPEN REVOCATIONS_LUA;
    BEAT = OPEN MUST_BE_WRITABLE BEAT_LUA;
    CLUSTER_BEAT = OPEN MUST_BE_WRITABLE CLUSTER_BEAT_LUA;
}

const OPEN: &str = r"
local user, channel = KEYS[1], ARGV[1]
local call, byte, sub = redis.call, string.byte, string.sub
";

const WRITE: &str = r"
-- Stores an entry, and remembers the user for ttl seconds at least.
local function write(field, entry, ttl)
  call('HSET', user, field, entry)
  if call('TTL', user) < tonumber(ttl) then
    call('EXPIRE', user, tonumber(ttl))
  end
end

-- The same with an entry that revokes something. It is told first: should that fail, nothing is
-- stored.
local function write_and_tell(field, entry, ttl)
  local told = {user, field, tonumber(sub(entry, 1, 12)), tonumber(ttl)}
  call('PUBLISH', channel, cjson.encode(told))
  write(field, entry, ttl)
end
";

const MUST_BE_WRITABLE: &str = r"
-- Fails where nothing can be written: on a replica, or a master that was cut off from enough of its
-- replicas. What was revoked elsewhere may not be known there.
local function must_be_writable()
  call('HDEL', user, '') -- an empty field is never there
end
";

const HAS_ENDED: &str = r"
local function generation_of(revoked_user)
  return revoked_user and sub(revoked_user, 13, 24) or '000000000000'
end

local function has_ended(session, revoked_user)
  assert(tonumber(sub(session, 1, 12)), 'not a session')
  return sub(session, 13, 13) == 'e' or sub(session, 49, 60) < generation_of(revoked_user)
end
";

const ENDED: &str = r"
-- An ended session; what it was ended by, if that was a second spending.
local function ended(session, keep_until, by)
  local kept = session and sub(session, 1, 12) or keep_until
  return (kept > keep_until and kept or keep_until) .. 'e' .. (by or '')
end
";

const SWEEP: &str = r"
-- Looks at some entries, and the next time at the next ones, and forgets those whose time has
-- come. Called where one entry is added, it looks at more than one, so that forgetting keeps up.
local function sweep(now)
  local cursor = call('HGET', user, 'c') or '0'
  local page = call('HSCAN', user, cursor, 'COUNT', 8)
  for i = 1, #page[2], 2 do
    local field, kind = page[2][i], sub(page[2][i], 1, 1)
    if (kind == 's' or kind == 't') and sub(page[2][i + 1], 1, 12) <= now then
      call('HDEL', user, field, 'l' .. sub(field, 2))
    end
  end
  if page[1] ~= cursor then
    call('HSET', user, 'c', page[1])
  end
end
";

const LIVE_SESSIONS: &str = r"
-- The sessions that have neither ended nor expired; those used or else begun last come first.
local function live_sessions(now)
  local fields, entries = call('HGETALL', user), {}
  for i = 1, #fields, 2 do
    entries[fields[i]] = fields[i + 1]
  end
  local live = {}
  for field, entry in pairs(entries) do
    if sub(field, 1, 2) == 's:' and not has_ended(entry, entries.u) and sub(entry, 25, 36) > now then
      local label, used_at = entries['l' .. sub(field, 2)], sub(entry, 13, 24)
      local order = used_at .. sub(entry, 37, 48) .. field
      live[#live + 1] = {field = field, entry = entry, label = label, order = order}
    end
  end
  table.sort(live, function(a, b) return a.order > b.order end)
  return live
end
";

const BEGIN_LUA: &str = r"
local field, refresh, times, ttl, label = ARGV[2], ARGV[3], ARGV[4], ARGV[5], ARGV[8]
local now = sub(times, 13, 24)
local limit = tonumber(ARGV[6]) -- 0 for none
local login_generation = tonumber(ARGV[7]) -- -1 for none

local known, revoked_user = unpack(call('HMGET', user, field, 'u'))
local surplus = {}
local generation = generation_of(revoked_user)
if login_generation >= 0 then
  if login_generation < tonumber(generation) then
    return 0
  end
  generation = string.format('%012.0f', login_generation)
end
if known then
  return surplus
end
if limit > 0 then
  local live = live_sessions(now)
  for i = limit, #live do
    write_and_tell(live[i].field, ended(live[i].entry, ''), ttl)
    surplus[#surplus + 1] = sub(live[i].field, 3)
  end
end
sweep(now)
if label then
  call('HSET', user, 'l' .. sub(field, 2), label)
end
write(field, times .. now .. generation .. refresh, ttl)
return surplus
";

/// Answers one of the numbers below, or else the successor and when it was named.
///
/// This is the part that nearly every call ends in, and that no function is made for. Among the
/// names of a session, the one at place 61 is that of the token to be spent next.
const SPEND_FIRST_LUA: &str = r"
local FIRST, REUSED, REVOKED = 1, 2, 3
local field, refresh, successor, rest = ARGV[2], ARGV[3], ARGV[4], ARGV[5]
local times, ttl = sub(rest, 1, 36), sub(rest, 49, 60)

local entries = call('HMGET', user, field, refresh, 'u')
local session, revoked_token, revoked_user = entries[1], entries[2], entries[3]
if revoked_token then
  return REVOKED
end
local generation = revoked_user and sub(revoked_user, 13, 24) or '000000000000'
if session then
  if byte(session, 13) == 101 then -- it has ended; by this very call, whose answer was lost?
    return sub(session, 14) == successor and REUSED or REVOKED
  end
  if revoked_user and sub(session, 49, 60) < generation then
    return REVOKED
  end
  if sub(session, 61, 60 + #refresh) == refresh then
    local kept = sub(session, 1, 12)
    if kept > times then
      times = kept .. sub(times, 13)
    end
    call('HSET', user, field, times .. sub(session, 37, 60) .. successor .. refresh)
    -- The user is remembered for an hour longer than was needed for what was kept, which is until
    -- the end of any hour that this was in.
    local needed = sub(times, 1, 12)
    if needed - needed % 3600 > kept - kept % 3600 and call('TTL', user) < tonumber(ttl) then
      call('EXPIRE', user, tonumber(ttl))
    end
    return FIRST
  end
end
";

const SPEND_LUA: &str = r"
local keep_until, now, issued_at = sub(rest, 1, 12), sub(rest, 13, 24), sub(rest, 37, 48)
if not session then
  local adopt = sub(rest, 73) == '1'
  if not adopt or (revoked_user and issued_at <= sub(revoked_user, 1, 12)) then
    return REVOKED
  end
  sweep(now)
  write(field, times .. issued_at .. generation .. successor .. refresh, ttl)
  return FIRST
end
local digits = string.match(session, '^t(%d+):', 61)
local jti_starts = 61 + #digits + 2
local jti_ends = jti_starts + tonumber(digits) - 1
if sub(session, jti_ends + 1) == refresh then
  if sub(session, 61, jti_ends) == successor then
    return FIRST -- by this very call, whose answer was lost
  end
  local spent_at, grace = tonumber(sub(session, 13, 24)), tonumber(sub(rest, 61, 72))
  if math.max(tonumber(now) - spent_at, 0) < grace then
    return {sub(session, jti_starts, jti_ends), spent_at}
  end
end
write_and_tell(field, ended(session, keep_until, successor), ttl)
return REUSED
";

const REVOKE_TOKEN_LUA: &str = r"
local field, now, keep_until, ttl = ARGV[2], ARGV[3], ARGV[4], ARGV[5]

local kept = call('HGET', user, field)
sweep(now)
write_and_tell(field, kept and kept > keep_until and kept or keep_until, ttl)
";

const REVOKE_SESSION_LUA: &str = r"
local field, now, keep_until, ttl = ARGV[2], ARGV[3], ARGV[4], ARGV[5]

local session = call('HGET', user, field)
sweep(now)
if not session then
  return
end
write_and_tell(field, ended(session, keep_until), ttl)
";

const REVOKE_USER_LUA: &str = r"
local now, ttl, excepted_field = ARGV[2], ARGV[3], ARGV[5] or ''

local excepted, revoked_user = unpack(call('HMGET', user, excepted_field, 'u'))
local generation = string.format('%012.0f', tonumber(ARGV[4]))
if generation <= generation_of(revoked_user) then
  return 0
end
if excepted and not has_ended(excepted, revoked_user) then
  local spared = math.max(tonumber(sub(excepted, 49, 60)), tonumber(generation))
  spared = string.format('%012.0f', spared)
  write(excepted_field, sub(excepted, 1, 48) .. spared .. sub(excepted, 61), ttl)
end
local at = revoked_user and sub(revoked_user, 1, 12) or now
write_and_tell('u', (at > now and at or now) .. generation, ttl)
return 1
";

const IS_REVOKED_LUA: &str = r"
local session_field, token, issued_at = ARGV[2], ARGV[3], ARGV[4]
local is_refresh, adopt = ARGV[5] == '1', ARGV[6] == '1'

must_be_writable()
local session, revoked_token, revoked_user = unpack(call('HMGET', user, session_field, token, 'u'))
if revoked_token then
  return 1
end
if session then
  local is_current = token ~= '' and sub(session, 61, 60 + #token) == token
  if has_ended(session, revoked_user) or (is_refresh and not is_current) then
    return 1
  end
elseif is_refresh and not adopt then
  return 1
elseif revoked_user and issued_at <= sub(revoked_user, 1, 12) then
  return 1
end
return 0
";

const SESSIONS_LUA: &str = r"
must_be_writable()
local answer = {}
for i, session in ipairs(live_sessions(ARGV[2])) do
  local entry = session.entry
  answer[i] = {
    sub(session.field, 3), sub(entry, 37, 48), sub(entry, 13, 24), sub(entry, 25, 36),
    session.label or false,
  }
end
return answer
";

/// What is to be known elsewhere of a user.
const REVOCATIONS_LUA: &str = r"
local ttl = call('TTL', user)
local entries, revoked = call('HGETALL', user), {}
for i = 1, #entries, 2 do
  local field, entry = entries[i], entries[i + 1]
  local kind = sub(field, 1, 1)
  if kind == 't' or kind == 'u' or (kind == 's' and sub(entry, 13, 13) == 'e') then
    revoked[#revoked + 1] = {field, sub(entry, 1, 12), ttl}
  end
end
return revoked
";

/// A sign of life for one subscriber, which is only told where revocations can be written.
const BEAT_LUA: &str = r"
must_be_writable()
call('PUBLISH', channel, ARGV[2])
";

/// The same at a master of a cluster, which tells who it is, and which others there are.
const CLUSTER_BEAT_LUA: &str = r"
must_be_writable()
call('PUBLISH', channel, ARGV[2] .. ' ' .. call('CLUSTER', 'MYID') .. ' ' .. ARGV[3])
";
