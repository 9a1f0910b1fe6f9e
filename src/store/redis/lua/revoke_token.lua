local field, now, keep_until, ttl = ARGV[2], ARGV[3], ARGV[4], ARGV[5]

local kept = call('HGET', user, field)
sweep(now)
write_and_publish(field, kept and kept > keep_until and kept or keep_until, ttl)
