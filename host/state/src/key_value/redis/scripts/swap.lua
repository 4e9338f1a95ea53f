-- ARGV: most keys, most bytes, time to live or '', key, new value, and the expected value if one is expected.
-- Answers 'done', 'lost' and the value that is there if one is, or 'over' and which part of the quota.
local most_keys, most_bytes, ttl = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local key, new, expected = ARGV[4], ARGV[5], ARGV[6]

local current = nil
if size_of(key) then current = redis.call('HGET', values, key) end
if current ~= expected then
  if current then return finish('lost', current) end
  return finish('lost')
end
local keys, bytes = change(key, #new)
local which = over(keys, bytes, most_keys, most_bytes)
if which then return finish('over', which) end
put(key, new, ttl)
return finish('done')
