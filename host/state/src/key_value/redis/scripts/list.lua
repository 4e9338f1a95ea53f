-- ARGV: the key after which to begin or '', how many.
-- Answers 'done' and the keys, one more than asked for if there are more; or 'torn'.
local held = redis.call('HLEN', values)
if held == 0 then return { 'done' } end
if redis.call('ZCARD', index) ~= held - 1 then return { 'torn' } end

local from, most = ARGV[1] == '' and '-' or '(' .. ARGV[1], tonumber(ARGV[2])
local answer = { 'done' }
while true do
  local some = redis.call('ZRANGEBYLEX', index, from, '+', 'LIMIT', 0, most + 1)
  for _, key in ipairs(some) do
    if live(key) then answer[#answer + 1] = key end
    -- The first of the answer is a word.
    if #answer > most + 1 then return answer end
  end
  if #some <= most then return answer end
  from = '(' .. some[#some]
end
