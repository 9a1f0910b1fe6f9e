-- Raises the generation by a step, from at least `lowest`.
local lowest, step = tonumber(ARGV[2]), tonumber(ARGV[3])
local number = math.max(tonumber(call('GET', KEYS[1]) or 0), lowest) + step
call('SET', KEYS[1], string.format('%.0f', number))
return number
