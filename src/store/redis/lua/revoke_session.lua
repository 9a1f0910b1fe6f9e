local field, now, keep_until, ttl = ARGV[2], ARGV[3], ARGV[4], ARGV[5]

local session = call('HGET', user, field)
sweep(now)
if not session then
  return
end
write_and_publish(field, ended(session, keep_until), ttl)
