#!lua
-- When gateways that were away come back: all at one moment, or the first takes what the others may still admit by
-- themselves. KEYS[1] holds that moment until it has come; who finds none says that it is in ARGV[1] microseconds.
-- Answers how many microseconds are left. It writes in any case: a Redis that takes no writes is not back.
local clock = redis.call('TIME')
local now = clock[1] * 1000000 + clock[2]
local moment = tonumber(redis.call('GET', KEYS[1])) or now + ARGV[1]
local left = math.max(0, moment - now)
redis.call('SET', KEYS[1], string.format('%.0f', moment), 'PX', math.floor(left / 1000) + 1)
return left
