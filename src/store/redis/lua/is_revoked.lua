local session_field, token, issued_at = ARGV[2], ARGV[3], ARGV[4]
local is_refresh, adopt = ARGV[5] == '1', ARGV[6] == '1'

must_be_writable()
local entries = call('HMGET', user, session_field, token, 'u')
local session, revoked_token, revoked_user = entries[1], entries[2], entries[3]
if revoked_token then
  return 1
end
if session then
  local is_unspent = token ~= '' and sub(session, 73, 72 + #token) == token
  if has_ended(session, generation_of(revoked_user)) or (is_refresh and not is_unspent) then
    return 1
  end
elseif is_refresh and not adopt then
  return 1
elseif revoked_user and issued_at <= sub(revoked_user, 1, 12) then
  return 1
end
return 0
