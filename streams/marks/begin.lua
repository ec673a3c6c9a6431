-- Step 5, changed: begins a pass over the changed marks of one reader in one source shard. See `steps.py`.
--
-- KEYS  1 sequence, 2 changed marks, 3 passes, 4 heard, then fences
-- ARGV  1 this shard's number, 2 the clock (epoch ms), 3 the worker, 4 most marks wanted, 5 most to mark again,
--       6 what the keys of this shard's tallies begin with, if the values of hours and minutes are wanted, else "";
--       then for each other shard its number and the name that stands there of this shard's last pass, or ""
-- Returns {name of the pass, the name that stands here now, 1 if a shard went back, 1 if more is to be marked again,
--          change version, the oldest marks and their versions {mark, version, ...}: one more than wanted, if there are,
--          the GMV (fen, or nil) of each of these marks, `next` of each fence, the name that stood here before}.
--
-- What is returned is of one moment, however many marks there are: so the values are read here, from keys that no caller
-- could name before it knows the marks. They have the tag of KEYS, and lie in the same slot of a cluster.
--
-- A shard that has an older name than the one that was left there went back. All that was raised since then, in
-- whatever shard, is marked again, so many at a time. Repeating it begins another pass.

local MORE = 'again'
local function ticket_of(name) return tonumber(name:match('^%d+') or -1) end
local function number_of(name) return tonumber(name:match('%d+$') or -1) end
local function older(a, b)
  if ticket_of(a) ~= ticket_of(b) then return ticket_of(a) < ticket_of(b) end
  return number_of(a) < number_of(b)
end

-- Where the GMV of an hour or a minute lies (`Keys.hours`, `Keys.session_hours`, `Keys.minutes`).
local parts = {hour = {'hours:', 24}, minute = {'minutes:', 60}}
local function gmv_of(mark)
  local grain, window, dimension, id = mark:match('^(%a+)|(%d+)|([^|]*)|(.*)$')
  local part = parts[grain]
  if not part then return false end
  if grain == 'hour' and dimension == 'session' then
    return redis.call('HGET', ARGV[6] .. 'hours:session:' .. id, window .. 'g')
  end
  local within = window % part[2]
  local key = ARGV[6] .. part[1] .. dimension .. ':' .. (window - within) / part[2] .. ':' .. id
  return redis.call('HGET', key, (within < 10 and '0' or '') .. within .. 'g')
end

local stood = redis.call('HGET', KEYS[3], ARGV[1]) or ''
local found = stood
local ticket = math.max(tonumber(ARGV[2]), ticket_of(found) + 1)
local again = redis.call('HGET', KEYS[3], MORE)
local from, till = (again or ''):match('^(-?%d+) (%d+)$')
local went_back = 0
for i = 7, #ARGV, 2 do
  local left = redis.call('HGET', KEYS[3], 'left:' .. ARGV[i]) or ''
  local there = ARGV[i + 1]
  ticket = math.max(ticket, ticket_of(there) + 1)
  if older(there, left) then
    went_back = 1
    from, till = math.min(tonumber(from or ticket_of(there)), ticket_of(there)), ticket_of(found)
  end
  if there ~= left then redis.call('HSET', KEYS[3], 'left:' .. ARGV[i], there) end
end

if from then
  local version = redis.call('GET', KEYS[1]) or '0'
  local lost = redis.call('ZRANGEBYSCORE', KEYS[4], from, till, 'LIMIT', 0, ARGV[5])
  for _, mark in ipairs(lost) do
    redis.call('ZADD', KEYS[2], 'NX', version, mark)
    redis.call('ZREM', KEYS[4], mark)
  end
  if #lost < tonumber(ARGV[5]) then
    redis.call('HDEL', KEYS[3], MORE)
    from = nil
  else
    redis.call('HSET', KEYS[3], MORE, string.format('%.0f %.0f', from, till))
  end
end

local name = string.format('%.0f/', ticket) .. ARGV[3]
local marks = redis.call('ZRANGE', KEYS[2], 0, ARGV[4], 'WITHSCORES')
if #marks > 0 then -- else nothing is read that could be lost
  found = name .. '/0'
  redis.call('HSET', KEYS[3], ARGV[1], found)
end
local values, fences = {}, {}
if ARGV[6] ~= '' then
  for i = 1, #marks, 2 do values[#values + 1] = gmv_of(marks[i]) end
end
for i = 5, #KEYS do fences[i - 4] = redis.call('HGET', KEYS[i], 'next') end
local version = tonumber(redis.call('GET', KEYS[1]) or 0)
return {name, found, went_back, from and 1 or 0, version, marks, values, fences, stood}
