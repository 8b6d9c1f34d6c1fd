#!lua
-- GCRA on Redis's own clock: permits from all buckets of KEYS, as many from each, or from none. A test compares this with
-- the same law in Python. A bucket is "TAT slot:permits …": when it is full again, and what is out on lease by when it ends.
-- ARGV: permits needed, permits ahead on lease, how long a lease lasts, how long a slot is; of the lease that ends with
-- this call the slot, its size and what is unused; then of each bucket the microseconds between permits, the permits
-- in a full one and those that may be on lease in all. Times are microseconds.
-- Answers {now, taken, lent, slot of the lease, TAT of each bucket}.
local clock = redis.call('TIME')
local now = clock[1] * 1000000 + clock[2]
local taken, lent = tonumber(ARGV[1]), tonumber(ARGV[2])
local width, back = tonumber(ARGV[4]), ARGV[5]
local slot = math.floor((now + ARGV[3]) / width) + 1
local buckets = {}

for i, key in ipairs(KEYS) do
  local pace, burst, leasable = tonumber(ARGV[3 * i + 5]), tonumber(ARGV[3 * i + 6]), tonumber(ARGV[3 * i + 7])
  local stored = redis.call('GET', key) or ''
  local tat, leases, out, returned = tonumber(string.match(stored, '^%d+')) or now, {}, 0, false
  for ends, permits in string.gmatch(stored, ' (%d+):(%d+)') do
    if ends * width > now then
      permits = tonumber(permits)
      if ends == back then
        local mine = math.min(permits, ARGV[6])
        tat = tat - math.min(mine, ARGV[7]) * pace
        permits, returned = permits - mine, true
      end
      leases[ends], out = permits, out + permits
    end
  end
  -- What is on lease does not refill, or it could be had twice at once; and no bucket is emptier than empty.
  tat = math.min(math.max(tat, now + out * pace), now + burst * pace)
  local room = math.floor((now + burst * pace - tat) / pace)
  taken = math.min(taken, room)
  lent = math.min(lent, room, math.max(0, leasable - out))
  buckets[i] = {tat, pace, leases, returned, room}
end
for _, bucket in ipairs(buckets) do
  lent = math.min(lent, bucket[5] - taken)
end

local answer = {now, taken, lent, slot}
for i, key in ipairs(KEYS) do
  local tat, pace, leases, returned = unpack(buckets[i])
  tat = tat + (taken + lent) * pace
  if taken + lent > 0 or returned then
    local text, lasts = string.format('%.0f', tat), tat
    if lent > 0 then
      local mine = string.format('%.0f', slot)
      leases[mine] = (leases[mine] or 0) + lent
    end
    for ends, permits in pairs(leases) do
      if permits > 0 then
        text, lasts = string.format('%s %s:%d', text, ends, permits), math.max(lasts, ends * width)
      end
    end
    -- A bucket that is full again says nothing, so its key may go; the millisecond more covers the rounding of PX.
    redis.call('SET', key, text, 'PX', math.ceil((lasts - now) / 1000) + 1)
  end
  answer[i + 4] = tat
end
return answer
