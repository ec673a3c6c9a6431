-- Retention: removes every key of a session of which nothing was heard for long enough.
--
-- KEYS  1 floors, 2 changed:records, 3 heard:records, 4 session, 5 its hours, then all that it has beside
-- ARGV  1 the floor of sessions (local day), 2 the instant (epoch ms) and 3 the local hour at which that day begins,
--       4 its mark in changed:records
--
-- Returns how many keys there were; 0 with nothing removed if it showed a sign of life at or after the floor, holds an
-- hour that is above, or waits to be read; -1 if the floor stands lower: Redis went back, the caller must look at the
-- floors again. Repeating it removes nothing more.

if tonumber(redis.call('HGET', KEYS[1], 'sessions') or 0) < tonumber(ARGV[1]) then return -1 end
if redis.call('ZSCORE', KEYS[2], ARGV[4]) then return 0 end
if tonumber(redis.call('HGET', KEYS[4], 'last_ms') or 0) >= tonumber(ARGV[2]) then return 0 end
for _, field in ipairs(redis.call('HKEYS', KEYS[5])) do
  if tonumber(field:sub(1, -2)) >= tonumber(ARGV[3]) then return 0 end
end
redis.call('ZREM', KEYS[3], ARGV[4])
return redis.call('UNLINK', unpack(KEYS, 4))
