local field, now, keep_until = ARGV[2], ARGV[3], ARGV[4]

local entries = call('HMGET', user, field, 'u')
local kept = entries[1] and entries[1] > keep_until and entries[1] or keep_until
call('PUBLISH', channel, cjson.encode({user, field, tonumber(kept), cjson.null}))
sweep(now, generation_of(entries[2]))
call('HSET', user, field, kept)
remember(kept, now)
