local user, channel = KEYS[1], ARGV[1]
local call, byte, sub = redis.call, string.byte, string.sub
