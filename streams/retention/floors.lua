-- Retention: raises integers of a shard, by kind, that never fall: its floors, or what was swept below them.
--
-- KEYS  1 hash of them, 2 sequence
-- ARGV  1 the change version of the shard that the caller has seen, then kind, integer, kind, integer, ...
--
-- Returns 1; 0 with nothing changed if the change version is lower than that: Redis went back, and what the caller
-- concluded is not true any more. Repeating it changes nothing.

if tonumber(redis.call('GET', KEYS[2]) or 0) < tonumber(ARGV[1]) then return 0 end
for i = 2, #ARGV, 2 do
  if tonumber(redis.call('HGET', KEYS[1], ARGV[i]) or 0) < tonumber(ARGV[i + 1]) then
    redis.call('HSET', KEYS[1], ARGV[i], ARGV[i + 1])
  end
end
return 1
