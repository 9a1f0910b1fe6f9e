-- Counts an attempt, unless attempts are blocked. Returns the time until which they are blocked, or 0
-- for an attempt that is permitted.
local id, now, limit, recovery = ARGV[2], tonumber(ARGV[3]), tonumber(ARGV[4]), tonumber(ARGV[5])
local first, longest, highest = tonumber(ARGV[6]), tonumber(ARGV[7]), tonumber(ARGV[8])
local level, blocked, last = 0, 0, ''
local entry = call('GET', user)
if entry then
  level, blocked, last = tonumber(sub(entry, 1, 12)), tonumber(sub(entry, 13, 24)), sub(entry, 25)
end
if last == id then return 0 end -- repeated, because the reply was lost
local is_blocked = blocked > now
if is_blocked then
  if blocked <= longest then return blocked end
  blocked = longest -- written by a machine whose clock was ahead
else
  level = math.min(math.max(level, now), highest) + recovery
  local surplus = math.ceil((level - now) / recovery) - limit
  blocked = surplus < 0 and 0 or math.min(longest, now + first * 2 ^ surplus)
  last = id
end
local ttl = math.max(level, longest) - tonumber(earlier_clock(ARGV[3])) + 60
call('SET', user, string.format('%012.0f%012.0f', level, blocked) .. last, 'EX', string.format('%.0f', ttl))
return is_blocked and blocked or 0
