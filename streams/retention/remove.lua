-- Retention: removes keys that lie below a floor.
--
-- KEYS  1 floors, then what is to go
-- ARGV  1 kind of all of them, 2 the floor that they lie below
-- Returns how many there were; -1 with nothing removed if the floor stands lower: Redis went back, the caller must
-- look at the floors again. Repeating it removes nothing more.

if tonumber(redis.call('HGET', KEYS[1], ARGV[1]) or 0) < tonumber(ARGV[2]) then return -1 end
return redis.call('UNLINK', unpack(KEYS, 2))
