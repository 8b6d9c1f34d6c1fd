#!lua
-- What gateways admitted while Redis was away: each of KEYS fills up no earlier than ARGV[i] microseconds from now.
-- A bucket that is emptier than that already stays as it is; so does what is out on lease.
local clock = redis.call('TIME')
local now = clock[1] * 1000000 + clock[2]
for i, key in ipairs(KEYS) do
  local tat = now + ARGV[i]
  local stored = redis.call('GET', key) or '0'
  local known = string.match(stored, '^%d+')
  if tat > tonumber(known) then
    local text = string.format('%.0f', tat) .. string.sub(stored, #known + 1)
    redis.call('SET', key, text, 'PX', math.max(math.ceil(ARGV[i] / 1000) + 1, redis.call('PTTL', key)))
  end
end
return #KEYS
