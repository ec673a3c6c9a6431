-- Retention: removes fields of a hash that lie below a floor.
--
-- KEYS  1 floors, 2 the hash
-- ARGV  1 kind of them, 2 the floor that they lie below, then the fields
-- Returns how many there were; -1 with nothing removed if the floor stands lower: Redis went back, the caller must
-- look at the floors again. Repeating it removes nothing more.

if tonumber(redis.call('HGET', KEYS[1], ARGV[1]) or 0) < tonumber(ARGV[2]) then return -1 end
return redis.call('HDEL', KEYS[2], unpack(ARGV, 3))
