-- The caller's clock or the clock of Redis, whichever is earlier. If one of them is ahead, nothing is
-- forgotten too early.
local function earlier_clock(now)
  local time = string.format('%012.0f', call('TIME')[1])
  return time < now and time or now
end
