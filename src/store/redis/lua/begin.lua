-- Returns the ids of the sessions that the limit ended, or, if the user was revoked after the login
-- had read the generation, the generation of that revocation.
local field, refresh, times, access_until = ARGV[2], ARGV[3], ARGV[4], ARGV[5]
local limit, login_generation, label = tonumber(ARGV[6]), ARGV[7], ARGV[8]
local now, expires_at = sub(times, 13, 24), sub(times, 25, 36)

local entries = call('HMGET', user, field, 'u', 'g', 'x')
local highest, earliest = entries[3], entries[4]
local user_generation = generation_of(entries[2])
local generation = login_generation ~= '' and login_generation or user_generation
if generation < user_generation then
  return tonumber(user_generation)
end
if entries[1] then
  return {}
end
local ended = {}
if limit > 0 then
  ended, earliest = end_surplus(limit - 1, now, earliest, access_until)
end
sweep(now, user_generation)
highest = (not highest or highest < generation) and generation or highest
earliest = (not earliest or expires_at < earliest) and expires_at or earliest
local entry = times .. now .. generation .. access_until .. refresh
call('HSET', user, field, entry, 'g', highest, 'x', earliest)
if label then
  call('HSET', user, 'l' .. sub(field, 2), label)
end
remember(sub(times, 1, 12), now)
list_session(sub(field, 3), now)
return ended
