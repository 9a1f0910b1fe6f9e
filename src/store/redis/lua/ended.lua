-- The entry of an ended session. `by` is the successor of the second spending that ended it, if any.
local function ended(session, keep_until, by)
  local kept = session and sub(session, 1, 12) or keep_until
  return (kept > keep_until and kept or keep_until) .. 'e' .. (by or '')
end
