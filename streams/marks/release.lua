-- Gives a lease back if it is still the caller's.
--
-- KEYS  1 lease   ARGV  1 the token under which the caller holds it
-- Returns 1 if it was. Repeating it changes nothing.

if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
return redis.call('DEL', KEYS[1])
