local session_field, token, issued_at = ARGV[2], ARGV[3], ARGV[4]
local is_refresh, adopt = ARGV[5] == '1', ARGV[6] == '1'

must_be_writable()
local session, revoked_token, revoked_user = unpack(call('HMGET', user, session_field, token, 'u'))
if revoked_token then
  return 1
end
if session then
  local is_current = token ~= '' and sub(session, 61, 60 + #token) == token
  if has_ended(session, revoked_user) or (is_refresh and not is_current) then
    return 1
  end
elseif is_refresh and not adopt then
  return 1
elseif revoked_user and issued_at <= sub(revoked_user, 1, 12) then
  return 1
end
return 0
