local user, used, channel = KEYS[1], KEYS[2], ARGV[1]
local call, byte, sub = redis.call, string.byte, string.sub
