-- The revocations among some entries of the user, and the cursor of the next ones, for a replica that
-- loads.
local page = call('HSCAN', user, ARGV[2], 'COUNT', 500)
local revoked = {}
for i = 1, #page[2], 2 do
  local field, entry = page[2][i], page[2][i + 1]
  local kind = byte(field)
  if kind == 116 or (kind == 115 and byte(entry, 13) == 101) then
    revoked[#revoked + 1] = {field, sub(entry, 1, 12), false}
  elseif field == 'u' then
    revoked[#revoked + 1] = {field, sub(entry, 25, 36), sub(entry, 1, 12)}
  end
end
return {page[1], revoked}
