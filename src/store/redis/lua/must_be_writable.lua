-- Fails where nothing can be written: on a replica, or on a master that was cut off from too many of
-- its replicas. Such a server may not know what was revoked elsewhere.
local function must_be_writable()
  call('HDEL', user, '') -- no entry has an empty field
end
