local function generation_of(revoked_user)
  return revoked_user and sub(revoked_user, 13, 24) or '000000000000'
end

local function has_ended(session, generation)
  assert(tonumber(sub(session, 1, 12)), 'not a session')
  return byte(session, 13) == 101 or sub(session, 49, 60) < generation -- 101 is `e`
end
