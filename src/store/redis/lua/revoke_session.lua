local field, now, keep_until = ARGV[2], ARGV[3], ARGV[4]

local entries = call('HMGET', user, field, 'u')
if entries[1] then
  remember(end_session(field, entries[1], keep_until), now)
  sweep(now, generation_of(entries[2]))
end
