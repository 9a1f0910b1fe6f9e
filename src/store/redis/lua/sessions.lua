must_be_writable()
local rows = {}
for i, session in ipairs(live_sessions(ARGV[2])) do
  local entry = session.entry
  rows[i] = {
    sub(session.field, 3), sub(entry, 37, 48), sub(entry, 13, 24), sub(entry, 25, 36),
    session.label or false,
  }
end
return rows
