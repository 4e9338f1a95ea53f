-- ARGV: most keys, most bytes, time to live or '', then keys (each once) and their values.
-- Answers 'done', or 'over' and which part of the quota or 'again'.
local most_keys, most_bytes, ttl = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])

local keys, bytes = 0, 0
for at = 4, #ARGV, 2 do
  local more_keys, more_bytes = change(ARGV[at], #ARGV[at + 1])
  keys, bytes = keys + more_keys, bytes + more_bytes
end
local which = over(keys, bytes, most_keys, most_bytes)
if which then return finish('over', which) end
for at = 4, #ARGV, 2 do put(ARGV[at], ARGV[at + 1], ttl) end
return finish('done')
