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
write_and_publish('u', (at > now and at or now) .. generation, ttl)
return 1
