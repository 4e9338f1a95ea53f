-- What all scripts that read begin with. They change nothing, so they also run on a server that is full.
-- The three keys of a space are described in prelude.lua.
local values, index, expiry = KEYS[1], KEYS[2], KEYS[3]

local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)

local function live(key)
  local at = redis.call('ZSCORE', expiry, key)
  return not (at and tonumber(at) <= now)
end
