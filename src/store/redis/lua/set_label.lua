-- Sets the label of a live session, or removes it. Returns 1 if there is such a session, else 0.
local field, now, label = ARGV[2], ARGV[3], ARGV[4]

must_be_writable()
local entries = call('HMGET', user, field, 'u')
local session, generation = entries[1], generation_of(entries[2])
if not session or has_ended(session, generation) or sub(session, 25, 36) <= now then
  return 0
end
local label_field = 'l' .. sub(field, 2)
if label then
  call('HSET', user, label_field, label)
else
  call('HDEL', user, label_field)
end
return 1
