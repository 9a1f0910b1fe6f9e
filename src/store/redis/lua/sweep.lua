-- Entries are kept for a minute longer than necessary, since the clocks of machines differ.
local function forgotten_until(now)
  return string.format('%012.0f', earlier_clock(now) - 60)
end

local function forget(field)
  if byte(field) == 115 then -- 115 is `s`
    call('HDEL', user, field, 'l' .. sub(field, 2))
    call('ZREM', used, sub(field, 3))
  else
    call('HDEL', user, field)
  end
end

-- Examines some entries, the next ones with each call, and forgets those that have expired. A call
-- that adds one entry examines more than one, so forgetting keeps up.
local function sweep(now, generation)
  local until_when = forgotten_until(now)
  local cursor = call('HGET', user, 'c') or '0'
  local page = call('HSCAN', user, cursor, 'COUNT', 8)
  for i = 1, #page[2], 2 do
    local field, entry = page[2][i], page[2][i + 1]
    local kind, keep_until = byte(field), sub(entry, 1, 12)
    if kind == 115 and byte(entry, 13) ~= 101 and sub(entry, 49, 60) < generation then
      -- It has ended with its user, so only its access tokens matter.
      keep_until = sub(entry, 61, 72)
    end
    -- 116 is `t`, 111 is `o`.
    if (kind == 115 or kind == 116 or kind == 111) and keep_until <= until_when then
      forget(field)
    end
  end
  if page[1] ~= cursor then
    call('HSET', user, 'c', page[1])
  end
end
