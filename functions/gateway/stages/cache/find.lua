#!lua
-- What is kept of a target, unless one of its groups was invalidated since. KEYS: the target's hash, the stream of
-- invalidations. Answers {moment, field, value …}; the moment is the id of the last invalidation, for `keep` to begin at.
local last = redis.call('XREVRANGE', KEYS[2], '+', '-', 'COUNT', 1)[1]
local moment = last and last[1] or redis.call('XADD', KEYS[2], '*', 'since', '')
local stamp, groups = unpack(redis.call('HMGET', KEYS[1], 'stamp', 'groups'))
if not stamp then
  return {moment}
end
for group in string.gmatch(groups, '[^\n]+') do
  -- An epoch that was evicted says nothing, and what is not known to hold does not.
  local epoch = redis.call('GET', 'epoch ' .. group)
  if not epoch or tonumber(epoch) > tonumber(stamp) then
    return {moment}
  end
end
return {moment, unpack(redis.call('HGETALL', KEYS[1]))}
