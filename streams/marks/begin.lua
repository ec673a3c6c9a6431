-- Step 5, changed: begins a pass over the changed marks of one reader in one source shard. See `steps.py`.
--
-- KEYS  1 sequence, 2 changed marks, 3 passes, 4 heard
-- ARGV  1 this shard's number, 2 the clock (epoch ms), 3 the worker, 4 most marks wanted, 5 most to mark again;
--       then for each other shard its number and the name that stands there of this shard's last pass, or ""
-- Returns {name of the pass, the name that stands here now, 1 if a shard went back, 1 if more is to be marked again,
--          change version, the oldest marks and their versions {mark, version, ...}: one more than wanted, if there are}.
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

local found = redis.call('HGET', KEYS[3], ARGV[1]) or ''
local ticket = math.max(tonumber(ARGV[2]), ticket_of(found) + 1)
local again = redis.call('HGET', KEYS[3], MORE)
local from, till = (again or ''):match('^(-?%d+) (%d+)$')
local went_back = 0
for i = 6, #ARGV, 2 do
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
return {name, found, went_back, from and 1 or 0, tonumber(redis.call('GET', KEYS[1]) or 0), marks}
