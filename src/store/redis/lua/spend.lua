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
    return FIRST -- by this very call, whose reply was lost
  end
  local spent_at, grace = tonumber(sub(session, 13, 24)), tonumber(sub(rest, 61, 72))
  if math.max(tonumber(now) - spent_at, 0) < grace then
    return {sub(session, jti_starts, jti_ends), spent_at}
  end
end
write_and_publish(field, ended(session, keep_until, successor), ttl)
return REUSED
