#!lua
-- Gives up a claim, if it is still this one's. KEYS: the claim. ARGV: whose it is.
return redis.call('GET', KEYS[1]) == ARGV[1] and redis.call('DEL', KEYS[1]) or 0
