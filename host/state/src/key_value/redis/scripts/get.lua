-- ARGV: most bytes in all, then keys.
-- Answers 'done' and for each key its value, or false if it has none; or 'large'.
local most, sum = tonumber(ARGV[1]), 0
for at = 2, #ARGV do sum = sum + redis.call('HSTRLEN', values, ARGV[at]) end
if sum > most then return { 'large' } end
local answer = { 'done' }
for at = 2, #ARGV do
  answer[at] = live(ARGV[at]) and redis.call('HGET', values, ARGV[at])
end
return answer
