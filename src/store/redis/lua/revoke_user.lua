-- Returns 0, or, if the generation is not high enough, one that is too low as well.
local now, keep_until, generation, excepted_field = ARGV[2], ARGV[3], ARGV[4], ARGV[5]

local entries = call('HMGET', user, excepted_field, 'u', 'g')
local excepted, revoked_user, highest = entries[1], entries[2], entries[3]
local last = generation_of(revoked_user)
if generation <= last then
  return tonumber(last)
end
-- Possible only after the generation was lost: a session must not outlive the revocation.
if highest and generation < highest then
  return tonumber(highest)
end
local at = now
if revoked_user then
  at = math.max(at, sub(revoked_user, 1, 12))
  keep_until = math.max(keep_until, sub(revoked_user, 25, 36))
end
call('PUBLISH', channel, cjson.encode({user, 'u', tonumber(keep_until), tonumber(at)}))
local spared = excepted and not has_ended(excepted, last)
if spared then
  local higher = math.max(generation, sub(excepted, 49, 60))
  higher = string.format('%012.0f', higher)
  call('HSET', user, excepted_field, sub(excepted, 1, 48) .. higher .. sub(excepted, 61))
end
call('HSET', user, 'u', string.format('%012.0f%s%012.0f', at, generation, keep_until))
remember(keep_until, now)
-- Logins that read the raised generation before this step are later than the revocation. They are
-- among the sessions used last.
local later = {}
if highest == generation then
  local newest = call('ZREVRANGE', used, 0, 99, 'WITHSCORES')
  for i = 1, #newest, 2 do
    local session = call('HGET', user, 's:' .. newest[i])
    if session and not has_ended(session, generation) then
      later[#later + 1] = {newest[i], newest[i + 1]}
    end
  end
end
call('UNLINK', used)
for _, session in ipairs(later) do
  list_session(session[1], session[2])
end
if spared then
  list_session(sub(excepted_field, 3), sub(excepted, 13, 24))
end
return 0
