-- Returns one of these numbers, or the successor and the time at which it was named. This part ends
-- nearly every call, so it creates no functions.
local FIRST, REUSED, REVOKED = 1, 2, 3
local field, refresh, successor, rest = ARGV[2], ARGV[3], ARGV[4], ARGV[5]
local times, access_until = sub(rest, 1, 36), sub(rest, 37, 48)

local entries = call('HMGET', user, field, refresh, 'u')
local session, revoked_token, revoked_user = entries[1], entries[2], entries[3]
if revoked_token then
  return REVOKED
end
local generation = revoked_user and sub(revoked_user, 13, 24) or '000000000000'
local moves_back = false
if session then
  if byte(session, 13) == 101 then -- ended; by this very call, whose reply was lost?
    return sub(session, 14) == successor and REUSED or REVOKED
  end
  if revoked_user and sub(session, 49, 60) < generation then
    return REVOKED
  end
  if sub(session, 73, 72 + #refresh) == refresh then
    local kept, access_kept = sub(session, 1, 12), sub(session, 61, 72)
    if kept > times then
      times = kept .. sub(times, 13)
    end
    if access_kept > access_until then
      access_until = access_kept
    end
    local entry = times .. sub(session, 37, 60) .. access_until .. successor .. refresh
    call('HSET', user, field, entry)
    -- The user is remembered for an hour longer than necessary, so the time to live is extended only
    -- when `keep_until` moves to another hour.
    local needed = sub(times, 1, 12)
    local needs_extension = needed - needed % 3600 > kept - kept % 3600
    -- Usually both times grow.
    moves_back = sub(times, 13, 24) < sub(session, 13, 24) or sub(times, 25) < sub(session, 25, 36)
    if not needs_extension and not moves_back then
      return FIRST
    end
  end
end
