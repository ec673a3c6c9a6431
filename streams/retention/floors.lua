-- Retention: raises integers of a shard, by kind, that never fall: its floors, or what was swept below them.
--
-- KEYS  1 hash of them, 2 sequence
-- ARGV  1 the change version of the shard that the caller has seen, then kind, integer, kind, integer, ...
--
-- Returns 1; 0 with nothing changed if the change version is lower than that, or of another history: Redis may have gone
-- back, and what the caller concluded is not true any more. Repeating it changes nothing.

local HISTORY = 1048576 -- as in `streams/keys.py`
local seen, stands = tonumber(ARGV[1]), tonumber(redis.call('GET', KEYS[2]) or 0)
if stands < seen or math.floor(stands / HISTORY) ~= math.floor(seen / HISTORY) then return 0 end
for i = 2, #ARGV, 2 do
  if tonumber(redis.call('HGET', KEYS[1], ARGV[i]) or 0) < tonumber(ARGV[i + 1]) then
    redis.call('HSET', KEYS[1], ARGV[i], ARGV[i + 1])
  end
end
return 1
