-- Returns a page of sessions and, if there are more, the place of the last one: its score and id.
local now, limit, score, id = ARGV[2], tonumber(ARGV[3]), ARGV[4], ARGV[5]

must_be_writable()
local first, last_score = 0, nil
if score ~= '' then
  -- The last session of the page before may have been moved or removed: put it back to where it was.
  last_score = call('ZSCORE', used, id)
  if not last_score or tonumber(last_score) ~= tonumber(score) then
    call('ZADD', used, score, id)
  end
  first = call('ZREVRANK', used, id) + 1
end
-- One entry more than the page holds shows whether another page follows.
local page = call('ZREVRANGE', used, first, first + limit, 'WITHSCORES')
if score ~= '' and not last_score then
  call('ZREM', used, id)
elseif score ~= '' and tonumber(last_score) ~= tonumber(score) then
  call('ZADD', used, last_score, id)
end

local count = math.min(#page / 2, limit)
if count == 0 then
  return {{}, false, false}
end
local fields = {'u'}
for i = 1, count do
  fields[#fields + 1] = 's:' .. page[2 * i - 1]
  fields[#fields + 1] = 'l:' .. page[2 * i - 1]
end
local entries, rows = call('HMGET', user, unpack(fields)), {}
local generation = generation_of(entries[1])
for i = 1, count do
  local session, label = entries[2 * i], entries[2 * i + 1]
  if session and not has_ended(session, generation) and sub(session, 25, 36) > now then
    rows[#rows + 1] = {
      page[2 * i - 1], sub(session, 37, 48), sub(session, 13, 24), sub(session, 25, 36), label,
    }
  end
end
if #page / 2 <= limit then
  return {rows, false, false}
end
return {rows, page[2 * count], page[2 * count - 1]}
