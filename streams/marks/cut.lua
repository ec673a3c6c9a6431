-- Step 5, changed: reads many hashes and sets of one shard as they are at one moment, with the change version.
--
-- KEYS  1 sequence, then one for each read
-- ARGV  1 a msgpack array: {fields, ...} lists of field names; and for each read the number (from 1) of its list,
--       0 for a whole hash, -1 for a set
-- Returns {sequence, reply, ...}: HMGET, HGETALL or SMEMBERS. It writes nothing.

local fields, reads = unpack(cmsgpack.unpack(ARGV[1]))
local replies = {tonumber(redis.call('GET', KEYS[1]) or 0)}
for i, read in ipairs(reads) do
  local key = KEYS[i + 1]
  if read > 0 then replies[i + 1] = redis.call('HMGET', key, unpack(fields[read]))
  elseif read == 0 then replies[i + 1] = redis.call('HGETALL', key)
  else replies[i + 1] = redis.call('SMEMBERS', key) end
end
return replies
