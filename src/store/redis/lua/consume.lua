-- Returns 1 if this is the only use, else 0.
local field, session_field, now, keep_until = ARGV[2], ARGV[3], ARGV[4], ARGV[5]
local issued_at, generation = ARGV[6], ARGV[7]

local entries = call('HMGET', user, field, session_field, 'u')
local used, session, revoked_user = entries[1], entries[2], entries[3]
local user_generation = generation_of(revoked_user)
if used then
  return 0
end
if session_field ~= '' then
  if not session or has_ended(session, user_generation) then
    return 0
  end
elseif revoked_user then
  local revoked_at = sub(revoked_user, 1, 12)
  local has_generation = generation ~= ''
  -- Redis may have lost the generation, so that it is lower than it was.
  if issued_at < revoked_at or (has_generation and generation < user_generation) then
    return 0
  elseif issued_at == revoked_at and not has_generation then
    return 0
  end
end
if byte(field) == 116 then -- 116 is `t`: a token, which is revoked
  call('PUBLISH', channel, cjson.encode({user, field, tonumber(keep_until), cjson.null}))
end
sweep(now, user_generation)
call('HSET', user, field, keep_until)
remember(keep_until, now)
return 1
