#!lua
-- Forgets targets and groups, and tells every gateway. KEYS: the stream of invalidations. ARGV: how many of the last it
-- keeps, milliseconds that an epoch lasts, then names: `function /target` or `function group name`. An entry has eight of
-- them, so that the stream's bytes are bounded by the number of its entries; and no command may have thousands.
local clock = redis.call('TIME')
local now = string.format('%.0f', clock[1] * 1000000 + clock[2] + 1)
local moment, said = nil, {}
for i = 3, #ARGV do
  local name = ARGV[i]
  said[#said + 1], said[#said + 2] = 'name', name
  if string.find(name, '^[^ ]+ /') then
    redis.call('UNLINK', 'cache ' .. name)
  else
    redis.call('SET', 'epoch ' .. name, now, 'PX', ARGV[2])
  end
  if #said == 16 or i == #ARGV then
    moment, said = redis.call('XADD', KEYS[1], 'MAXLEN', ARGV[1], '*', unpack(said)), {}
  end
end
return moment
