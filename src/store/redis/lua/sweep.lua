-- Examines some entries, the next ones with each call, and forgets those that have expired. A call
-- that adds one entry examines more than one, so forgetting keeps up.
local function sweep(now)
  local cursor = call('HGET', user, 'c') or '0'
  local page = call('HSCAN', user, cursor, 'COUNT', 8)
  for i = 1, #page[2], 2 do
    local field, kind = page[2][i], sub(page[2][i], 1, 1)
    if (kind == 's' or kind == 't') and sub(page[2][i + 1], 1, 12) <= now then
      call('HDEL', user, field, 'l' .. sub(field, 2))
    end
  end
  if page[1] ~= cursor then
    call('HSET', user, 'c', page[1])
  end
end
