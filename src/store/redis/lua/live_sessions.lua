-- The sessions that have neither ended nor expired. Those used last come first.
local function live_sessions(now)
  local fields, entries = call('HGETALL', user), {}
  for i = 1, #fields, 2 do
    entries[fields[i]] = fields[i + 1]
  end
  local live = {}
  for field, entry in pairs(entries) do
    if sub(field, 1, 2) == 's:' and not has_ended(entry, entries.u) and sub(entry, 25, 36) > now then
      local label, used_at = entries['l' .. sub(field, 2)], sub(entry, 13, 24)
      local order = used_at .. sub(entry, 37, 48) .. field
      live[#live + 1] = {field = field, entry = entry, label = label, order = order}
    end
  end
  table.sort(live, function(a, b) return a.order > b.order end)
  return live
end
