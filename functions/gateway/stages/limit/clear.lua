#!lua
-- Makes the buckets of KEYS full again, but for what is out on lease: a gateway may still spend that.
-- Answers how many of them there were.
local cleared = 0
for _, key in ipairs(KEYS) do
  local stored = redis.call('GET', key)
  if stored then
    local leases = string.match(stored, ' .*')
    cleared = cleared + 1
    if leases then
      redis.call('SET', key, '0' .. leases, 'KEEPTTL')
    else
      redis.call('DEL', key)
    end
  end
end
return cleared
