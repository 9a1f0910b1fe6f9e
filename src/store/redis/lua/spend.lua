local keep_until, now, expires_at = sub(times, 1, 12), sub(times, 13, 24), sub(times, 25, 36)
if session and sub(session, 73, 72 + #refresh) == refresh then
  -- Spent above.
  remember(keep_until, now)
  if moves_back then
    local earliest = call('HGET', user, 'x')
    if earliest and expires_at < earliest then
      call('HSET', user, 'x', expires_at)
    end
    list_session(sub(field, 3), now)
  end
  return FIRST
end
if not session then
  local issued_at, adopt = sub(rest, 49, 60), sub(rest, 73) == '1'
  if not adopt or (revoked_user and issued_at <= sub(revoked_user, 1, 12)) then
    return REVOKED
  end
  sweep(now, generation)
  -- If it ends, it is remembered for as long as its first token, which could be adopted again.
  local entry = times .. issued_at .. generation .. keep_until .. successor .. refresh
  local earliest = call('HGET', user, 'x')
  earliest = (not earliest or expires_at < earliest) and expires_at or earliest
  call('HSET', user, field, entry, 'x', earliest)
  remember(keep_until, now)
  list_session(sub(field, 3), now)
  return FIRST
end
local digits = string.match(session, '^t(%d+):', 73)
local jti_starts = 73 + #digits + 2
local jti_ends = jti_starts + tonumber(digits) - 1
if sub(session, jti_ends + 1) == refresh then
  if sub(session, 73, jti_ends) == successor then
    return FIRST -- by this very call, whose reply was lost
  end
  local spent_at, grace = tonumber(sub(session, 13, 24)), tonumber(sub(rest, 61, 72))
  if math.max(tonumber(now) - spent_at, 0) < grace then
    return {sub(session, jti_starts, jti_ends), spent_at}
  end
end
remember(end_session(field, session, access_until, successor), now)
return REUSED
