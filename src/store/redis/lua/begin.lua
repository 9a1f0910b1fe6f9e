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
    write_and_publish(live[i].field, ended(live[i].entry, ''), ttl)
    surplus[#surplus + 1] = sub(live[i].field, 3)
  end
end
sweep(now)
if label then
  call('HSET', user, 'l' .. sub(field, 2), label)
end
write(field, times .. now .. generation .. refresh, ttl)
return surplus
