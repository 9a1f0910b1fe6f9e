-- The revocations of the user, for a replica that loads.
local ttl = call('TTL', user)
local entries, revoked = call('HGETALL', user), {}
for i = 1, #entries, 2 do
  local field, entry = entries[i], entries[i + 1]
  local kind = sub(field, 1, 1)
  if kind == 't' or kind == 'u' or (kind == 's' and sub(entry, 13, 13) == 'e') then
    revoked[#revoked + 1] = {field, sub(entry, 1, 12), ttl}
  end
end
return revoked
