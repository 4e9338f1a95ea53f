-- ARGV: key. Answers 'yes' or 'no'.
return { live(ARGV[1]) and redis.call('HEXISTS', values, ARGV[1]) == 1 and 'yes' or 'no' }
