-- Stores an entry, and remembers the user for at least ttl seconds.
local function write(field, entry, ttl)
  call('HSET', user, field, entry)
  if call('TTL', user) < tonumber(ttl) then
    call('EXPIRE', user, tonumber(ttl))
  end
end

-- Stores an entry that revokes something, and publishes it. The notice comes first: if it fails,
-- nothing is stored.
local function write_and_publish(field, entry, ttl)
  local notice = {user, field, tonumber(sub(entry, 1, 12)), tonumber(ttl)}
  call('PUBLISH', channel, cjson.encode(notice))
  write(field, entry, ttl)
end
