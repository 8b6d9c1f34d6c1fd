#!lua
-- Keeps an answer, unless it may be of before an invalidation. KEYS: the target's hash, the stream of invalidations.
-- ARGV: the moment at which the question began, field, answer, milliseconds to keep it, the most fields, milliseconds
-- that an epoch lasts, the target's name, then the names of its groups. Answers whether it was kept.
local since = redis.call('XRANGE', KEYS[2], ARGV[1], '+', 'COUNT', 1001)
-- Without the moment itself the stream has lost what came after it; with too much after it, nobody reads so far.
if not since[1] or since[1][1] ~= ARGV[1] or #since > 1000 then
  return 0
end
local named, groups = {[ARGV[7]] = true}, {}
for i = 8, #ARGV do
  named[ARGV[i]], groups[ARGV[i]] = true, true
end
for i = 2, #since do
  for j = 2, #since[i][2], 2 do
    if named[since[i][2][j]] then
      return 0
    end
  end
end

local clock = redis.call('TIME')
local now = string.format('%.0f', clock[1] * 1000000 + clock[2])
local stamp, former = unpack(redis.call('HMGET', KEYS[1], 'stamp', 'groups'))
local holds = stamp and redis.call('HLEN', KEYS[1]) < tonumber(ARGV[5]) + 2
for group in string.gmatch(former or '', '[^\n]+') do
  local epoch = redis.call('GET', 'epoch ' .. group)
  holds = holds and epoch and tonumber(epoch) <= tonumber(stamp)
  groups[group] = groups[group] or holds
end
if not holds then
  redis.call('DEL', KEYS[1])
end

local all = {}
for group, counts in pairs(groups) do
  if counts then
    all[#all + 1] = group
    -- Nothing was invalidated since the question began, so an epoch that isn't there may begin now.
    if not redis.call('SET', 'epoch ' .. group, now, 'PX', ARGV[6], 'NX') then
      redis.call('PEXPIRE', 'epoch ' .. group, ARGV[6])
    end
  end
end
local left = redis.call('PTTL', KEYS[1])
redis.call('HSET', KEYS[1], ARGV[2], ARGV[3], 'stamp', now, 'groups', table.concat(all, '\n'))
redis.call('PEXPIRE', KEYS[1], math.max(left, ARGV[4]))
return 1
