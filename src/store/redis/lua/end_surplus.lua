local MAX_SURPLUS, MAX_SCANNED = 100, 1100

-- Reads all sessions in `used`. Returns how many have expired, and the earliest time at which one of
-- those that remain expires.
local function count_expired(now)
  local ids, expired, earliest = call('ZRANGE', used, 0, -1), 0, nil
  local fields = {}
  for i, id in ipairs(ids) do
    fields[i] = 's:' .. id
  end
  local sessions = call('HMGET', user, unpack(fields))
  local until_when = forgotten_until(now)
  for i, field in ipairs(fields) do
    local session = sessions[i]
    if not session or (sub(session, 25, 36) <= now and sub(session, 1, 12) <= until_when) then
      expired = expired + 1
      forget(field)
    else
      local expires_at = sub(session, 25, 36)
      expired = expired + (expires_at <= now and 1 or 0)
      earliest = (not earliest or expires_at < earliest) and expires_at or earliest
    end
  end
  return expired, earliest
end

-- Ends the live sessions that have not been used for the longest time, until `others` remain, and
-- returns their ids. However many sessions the user has, only a limited number is examined.
--
-- `earliest` is a time before which none of the sessions expires, so they are read only after it has
-- passed. The second result is the new one.
local function end_surplus(others, now, earliest, access_until)
  local ended, count = {}, call('ZCARD', used)
  local surplus = count - others
  if surplus <= 0 then
    return ended, earliest
  end
  local knows_expired = earliest and now < earliest
  if not knows_expired and count <= MAX_SCANNED then
    local expired
    expired, earliest = count_expired(now)
    surplus = surplus - expired
    knows_expired = true
  end
  local rank, examined = 0, 0
  local most = math.min(others, MAX_SCANNED) + MAX_SURPLUS
  while surplus > 0 and #ended < MAX_SURPLUS and examined < most do
    local front = call('ZRANGE', used, rank, rank, 'WITHSCORES')
    local id = front[1]
    if not id then
      break
    end
    local field = 's:' .. id
    local session = call('HGET', user, field)
    if not session then
      call('ZREM', used, id)
      surplus = surplus - 1
    elseif tonumber(sub(session, 13, 24)) > tonumber(front[2]) then
      -- Spending does not move the session. It is moved now.
      call('ZADD', used, sub(session, 13, 24), id)
    elseif sub(session, 25, 36) <= now then
      rank = rank + 1
      surplus = surplus - (knows_expired and 0 or 1)
    else
      end_session(field, session, access_until)
      ended[#ended + 1] = id
      surplus = surplus - 1
    end
    examined = examined + 1
  end
  return ended, earliest
end
