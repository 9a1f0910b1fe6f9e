local function generation_of(revoked_user)
  return revoked_user and sub(revoked_user, 13, 24) or '000000000000'
end

local function has_ended(session, revoked_user)
  assert(tonumber(sub(session, 1, 12)), 'not a session')
  return sub(session, 13, 13) == 'e' or sub(session, 49, 60) < generation_of(revoked_user)
end
