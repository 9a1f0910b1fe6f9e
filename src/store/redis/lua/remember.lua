-- Extends the time to live of the user's keys until an hour after `keep_until`.
local function remember(keep_until, now)
  local ttl = math.max(keep_until - earlier_clock(now), 0) + 3660
  if call('TTL', user) < ttl then
    call('EXPIRE', user, ttl)
    call('EXPIRE', used, ttl)
  end
end

-- Adds a session to those that are sorted by their last use. The hash must exist.
local function list_session(id, last_used_at)
  call('ZADD', used, last_used_at, id)
  if call('TTL', used) < 0 then
    call('EXPIRE', used, call('TTL', user))
  end
end
