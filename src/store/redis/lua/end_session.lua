-- Ends a session, or extends the time for which an ended one is remembered. `by` is the successor of
-- the second spending that ended it, if any. The notice comes first: if it fails, nothing is stored.
local function end_session(field, session, keep_until, by)
  local kept = byte(session, 13) == 101 and sub(session, 1, 12) or sub(session, 61, 72)
  if kept < keep_until then
    kept = keep_until
  end
  call('PUBLISH', channel, cjson.encode({user, field, tonumber(kept), cjson.null}))
  call('HSET', user, field, kept .. 'e' .. (by or ''))
  call('ZREM', used, sub(field, 3))
  return kept
end
