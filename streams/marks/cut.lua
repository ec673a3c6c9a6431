-- Step 5, changed: reads many hashes and sets of one shard as they are at one moment, with the change version.
-- `step.lua` stands in front.
--
-- KEYS  1 sequence, 2 passes, then one for each read
-- ARGV  1 a msgpack array: {fields, ...} lists of field names; for each read the number (from 1) of its list, 0 for a
--       whole hash, -1 for a set; and the step
-- Returns {sequence, reply, ...}: HMGET, HGETALL or SMEMBERS; nothing if the pass may not go on. It writes the step alone.

local fields, reads, step = unpack(cmsgpack.unpack(ARGV[1]))
if not take_step(KEYS[2], step) then return {} end
local replies = {tonumber(redis.call('GET', KEYS[1]) or 0)}
for i, read in ipairs(reads) do
  local key = KEYS[i + 2]
  if read > 0 then replies[i + 1] = redis.call('HMGET', key, unpack(fields[read]))
  elseif read == 0 then replies[i + 1] = redis.call('HGETALL', key)
  else replies[i + 1] = redis.call('SMEMBERS', key) end
end
return replies
