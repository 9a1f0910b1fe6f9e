-- Takes back an attempt. If it was the one that blocked others, they are blocked no longer.
local id, recovery = ARGV[2], tonumber(ARGV[3])
local entry = call('GET', user)
if not entry then return end
local level, blocked, last = tonumber(sub(entry, 1, 12)), sub(entry, 13, 24), sub(entry, 25)
if last == id then blocked = '000000000000' end
local ttl = call('TTL', user)
if ttl > 0 then
  entry = string.format('%012.0f', math.max(level - recovery, 0)) .. blocked .. last
  call('SET', user, entry, 'EX', ttl)
end
