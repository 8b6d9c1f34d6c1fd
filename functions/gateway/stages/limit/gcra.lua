#!lua
-- GCRA on Redis's own clock: permits from all buckets of KEYS, as many from each, or from none. A test compares this with
-- the same law in Python. A bucket is "TAT slot:permits …": when it is full again, and what is out on lease by when it ends.
-- ARGV: permits needed, permits ahead on lease, how long a lease lasts, how long a slot is; of the lease that ends with
-- this call the slot, its size and what is unused; then of each bucket the microseconds between permits, the permits
-- in a full one and those that may be on lease in all. Times are microseconds.
-- Answers {now, taken, lent, slot of the lease, permits that may still go on lease, TAT of each bucket}.
local clock = redis.call('TIME')
local now = clock[1] * 1000000 + clock[2]
local taken, lent, spare = tonumber(ARGV[1]), tonumber(ARGV[2]), math.huge
local width, back = tonumber(ARGV[4]), tonumber(ARGV[5])
-- A lease lasts a slot longer here than at its gateway, and more: however slow that one's clock is, it ends there first.
local slot = math.floor((now + ARGV[3]) / width) + 2
local buckets = {}

for i, key in ipairs(KEYS) do
  local pace, burst, leasable = tonumber(ARGV[3 * i + 5]), tonumber(ARGV[3 * i + 6]), tonumber(ARGV[3 * i + 7])
  local stored = redis.call('GET', key) or ''
  local tat, leases, out, ended = tonumber(string.match(stored, '^%d+')) or now, {}, 0, {}
  for ends, permits in string.gmatch(stored, ' (%d+):(%d+)') do
    ends, permits = tonumber(ends), tonumber(permits)
    leases[ends] = permits
    if ends * width > now then
      out = out + permits
    else
      ended[#ended + 1] = ends
    end
  end
  -- A bucket fills to its burst less what is on lease, or that could be had beside a full one: not only now, but at
  -- every moment before, so also when leases ended. The last of them first, as it was out beside all that ended earlier.
  table.sort(ended)
  local before = out
  for j = #ended, 1, -1 do
    local ends = ended[j]
    before, leases[ends] = before + leases[ends], nil
    tat = math.max(tat, ends * width + before * pace)
  end
  tat = math.min(math.max(tat, now + out * pace), now + burst * pace) -- and no bucket is emptier than empty
  local mine = math.min(leases[back] or 0, ARGV[6])
  if leases[back] then
    out, leases[back] = out - mine, leases[back] - mine
    tat = tat - math.min(mine, ARGV[7]) * pace
  end
  local room = math.floor((now + burst * pace - tat) / pace)
  taken = math.min(taken, room)
  spare = math.min(spare, math.max(0, leasable - out))
  buckets[i] = {tat, pace, leases, leases[back], room, out}
end
for _, bucket in ipairs(buckets) do
  lent = math.min(lent, spare, bucket[5] - taken)
end

local answer = {now, taken, lent, slot, spare - lent}
for i, key in ipairs(KEYS) do
  local tat, pace, leases, returned, _, out = unpack(buckets[i])
  tat = tat + (taken + lent) * pace
  if taken + lent > 0 or returned then
    local text, lasts = string.format('%.0f', tat), tat
    if lent > 0 then
      leases[slot] = (leases[slot] or 0) + lent
    end
    for ends, permits in pairs(leases) do
      if permits > 0 then
        text = string.format('%s %.0f:%d', text, ends, permits)
        lasts = math.max(lasts, ends * width + (out + lent) * pace)
      end
    end
    -- A bucket that is full again says nothing, so its key may go; the millisecond more covers the rounding of PX.
    redis.call('SET', key, text, 'PX', math.ceil((lasts - now) / 1000) + 1)
  end
  answer[i + 5] = tat
end
return answer
