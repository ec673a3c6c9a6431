-- Step 6, peaks and records: the open holders of one shard whose window ended, the earliest first. `bytes.lua` and
-- `book.lua` stand in front of this text.
--
-- KEYS  1 closing
-- ARGV  1 the instant (epoch ms) until which windows have ended, 2 most holders wanted, 3 what this shard's keys begin with
-- Returns {1 if there may be more, {member of closing, instant (epoch ms), ...}}.
--
-- The end of a session that has none declared moves with each order: `raise.lua` leaves it in `closing` where it was, and
-- here it is moved on, once it is due, to where its entry says. The keys of rankings follow from the members; they have
-- the tag of KEYS. Repeating it changes nothing more.

local found = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', ARGV[1], 'LIMIT', 0, ARGV[2], 'WITHSCORES')
local full = #found == 2 * tonumber(ARGV[2])
-- behind the last one that was looked at may stand earlier ones than those that are moved
local bound = tonumber(full and found[#found] or ARGV[1])

local function close_of(member, score)
  local rule, metric, dimension, kind, length, ids = member:match('^([^|]*)|([^|]*)|([^|]*)|([^|]*)|(%d+)|(.*)$')
  if kind ~= 'session' then return score end
  local key = table.concat({ARGV[3] .. 'ranking', rule, metric, dimension, ids:sub(1, length)}, ':')
  local packed = redis.call('HGET', key, 'h:' .. ids:sub(length + 1))
  local entry = packed and cmsgpack.unpack(packed)
  return entry and entry[STAND] == OPEN and entry[CLOSE] or score
end

local due = {}
for i = 1, #found, 2 do
  local score = tonumber(found[i + 1])
  local close = close_of(found[i], score)
  if close > score then redis.call('ZADD', KEYS[1], close, found[i]) end
  if close <= bound then
    due[#due + 1] = found[i]
    due[#due + 1] = close
  end
end
return {full and 1 or 0, due}
