-- ARGV: most keys, most bytes, time to live or '', key, what to add, most bytes of a value.
-- Answers 'done' and the sum, 'nan', 'overflow', or 'over' and which part of the quota.
local most_keys, most_bytes, ttl = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local key, delta, most = ARGV[4], ARGV[5], tonumber(ARGV[6])

-- The longest number, with its sign, has 20 digits.
local size = size_of(key)
if size and size > 20 then return finish('nan') end

-- Lua's numbers have 53 bits, the server's 64: so it is the server that adds. What it did is taken back until the sum
-- is known to fit.
local before = size and redis.call('HGET', values, key)
local sum = redis.pcall('HINCRBY', values, key, delta)
if type(sum) == 'table' and sum.err then
  return finish(string.find(sum.err, 'overflow', 1, true) and 'overflow' or 'nan')
end
sum = redis.call('HGET', values, key)
if before then redis.call('HSET', values, key, before) else redis.call('HDEL', values, key) end

if #sum > most then return finish('over', 'value') end
local keys, bytes = change(key, #sum)
local which = over(keys, bytes, most_keys, most_bytes)
if which then return finish('over', which) end
put(key, sum, ttl)
return finish('done', sum)
