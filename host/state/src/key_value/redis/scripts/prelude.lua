-- What all scripts that write begin with. A script runs alone, at one moment of the server's clock, and an error in the
-- middle of it takes nothing back: so each finds out first whether it may, and then changes something.
--
-- A space has three keys:
--   values   a hash: each key with its value, and under the empty key, which no guest can have, the bytes of all others
--   index    a sorted set of the keys, all with the same score, which keeps them in the order of their bytes
--   expiry   a sorted set of those that expire, by when: milliseconds since 1970
local values, index, expiry = KEYS[1], KEYS[2], KEYS[3]
local PURGE, PURGES = 128, 64

local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)

-- Each of the three can be evicted, or deleted by somebody, without the others.
local function mend()
  local held = redis.call('HLEN', values)
  if held == 0 then
    redis.call('DEL', index, expiry)
  elseif redis.call('ZCARD', index) ~= held - 1 then
    redis.call('DEL', index)
    for _, key in ipairs(redis.call('HKEYS', values)) do
      if key ~= '' then redis.call('ZADD', index, 0, key) end
    end
  end
end

local function used()
  local bytes = redis.call('HGET', values, '')
  if not bytes then return 0, 0 end
  return redis.call('HLEN', values) - 1, tonumber(bytes)
end

local function grow(bytes)
  if bytes ~= 0 then redis.call('HINCRBY', values, '', bytes) end
end

local function remove(key)
  local size = #key + redis.call('HSTRLEN', values, key)
  if redis.call('HDEL', values, key) == 1 then grow(-size) end
  redis.call('ZREM', index, key)
  redis.call('ZREM', expiry, key)
end

-- Removes a batch of what has expired, and says how many that were.
local function purge()
  local gone = redis.call('ZRANGEBYSCORE', expiry, '-inf', now, 'LIMIT', 0, PURGE)
  for _, key in ipairs(gone) do remove(key) end
  return #gone
end

-- The bytes of the value that a key has, or nil. One that has expired is removed on this occasion.
local function size_of(key)
  local at = redis.call('ZSCORE', expiry, key)
  if at and tonumber(at) <= now then remove(key) end
  if redis.call('HEXISTS', values, key) == 0 then return nil end
  return redis.call('HSTRLEN', values, key)
end

-- How much larger the space becomes with this value, in keys and bytes.
local function change(key, size)
  local before = size_of(key)
  if before then return 0, size - before end
  return 1, #key + size
end

-- Which part of the quota a change would exceed, or nil. What makes a space no larger exceeds nothing, and what has
-- expired does not count: it is removed as long as it is in the way, or until others should have a turn: 'again'.
local function over(keys, bytes, most_keys, most_bytes)
  for _ = 1, PURGES do
    local used_keys, used_bytes = used()
    local which = nil
    if keys > 0 and used_keys + keys > most_keys then
      which = 'keys'
    elseif bytes > 0 and used_bytes + bytes > most_bytes then
      which = 'bytes'
    end
    if not which or purge() == 0 then return which end
  end
  return 'again'
end

local function put(key, value, ttl)
  local before = size_of(key)
  redis.call('HSET', values, key, value)
  redis.call('ZADD', index, 0, key)
  if ttl then
    redis.call('ZADD', expiry, now + ttl, key)
  else
    redis.call('ZREM', expiry, key)
  end
  if before then grow(#value - before) else grow(#key + #value) end
end

-- Leaves nothing behind of a space with nothing in it, now or, when all of it will expire, then.
local function finish(...)
  local held = redis.call('HLEN', values)
  if held <= 1 then
    redis.call('DEL', values, index, expiry)
  elseif redis.call('ZCARD', expiry) == held - 1 then
    local last = redis.call('ZREVRANGE', expiry, 0, 0, 'WITHSCORES')[2]
    for _, name in ipairs(KEYS) do redis.call('PEXPIREAT', name, last) end
  else
    for _, name in ipairs(KEYS) do redis.call('PERSIST', name) end
  end
  return { ... }
end

mend()
purge()
