-- Retention: the hours of one day of a tally become its day. A move: a day is at any moment the sum of what its days
-- hash and its hours hold, and the union of its day's sketch and those of its hours.
--
-- KEYS  1 floors; for each sketch the day's and those of its 24 hours; then, if the sums move too, hours and days hash
-- ARGV  1 kind ("hours" or "sketches"), 2 the floor that the day lies below, 3 how many sketches
--
-- Returns how many keys of hours went; -1 with nothing changed if the floor stands lower: Redis went back, the caller
-- must look at the floors again. Repeating it finds no hours and changes nothing. Hours that were added to after that
-- are added to their day by the next call.
--
-- Lua does not roll back: everything is checked and computed first. What may fail then, on a key of another type, is
-- the union, which can be repeated; the sums are written by one command, and their hours go with the last.

if tonumber(redis.call('HGET', KEYS[1], ARGV[1]) or 0) < tonumber(ARGV[2]) then return -1 end
local sketches = tonumber(ARGV[3])
local hours, days = KEYS[2 + 25 * sketches], KEYS[3 + 25 * sketches]

-- 1. The sums, as {code, sum, ...}: exact beyond what a double holds, in two halves, the lower of nine digits.
local HALF = 1e9
local low, high, codes = {}, {}, {}
local function add(code, text)
  assert(text:find('^%d+$'), 'a sum that is no count')
  if not low[code] then
    low[code], high[code] = 0, 0
    codes[#codes + 1] = code
  end
  low[code] = low[code] + tonumber(text:sub(-9))
  high[code] = high[code] + (tonumber(text:sub(1, -10)) or 0)
end

local function whole(code)
  local carried = high[code] + math.floor(low[code] / HALF)
  if carried == 0 then return string.format('%.0f', low[code]) end
  return string.format('%.0f%09.0f', carried, low[code] % HALF)
end

local sums, gone = {}, {}
local found = hours and redis.call('HGETALL', hours) or {}
if #found > 0 then
  local stored = redis.call('HGETALL', days)
  for i = 1, #stored, 2 do add(stored[i], stored[i + 1]) end
  for i = 1, #found, 2 do add(found[i]:sub(3), found[i + 1]) end
  for _, code in ipairs(codes) do
    sums[#sums + 1] = code
    sums[#sums + 1] = whole(code)
  end
  gone[1] = hours
end

-- 2. The sketches.
for first = 2, 25 * (sketches - 1) + 2, 25 do
  local of_hours = {unpack(KEYS, first + 1, first + 24)}
  if redis.call('EXISTS', unpack(of_hours)) > 0 then
    redis.call('PFMERGE', KEYS[first], unpack(of_hours))
    for _, key in ipairs(of_hours) do gone[#gone + 1] = key end
  end
end

-- 3. The day, and the hours no more.
if #sums > 0 then redis.call('HSET', days, unpack(sums)) end
return #gone > 0 and redis.call('UNLINK', unpack(gone)) or 0
