-- ARGV: keys. Answers 'done'.
for _, key in ipairs(ARGV) do remove(key) end
return finish('done')
