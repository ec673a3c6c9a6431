-- Step 5, changed: a partition is fully read, or no longer; written only by the one whose fence still stands.
--
-- KEYS  1 fence hash
-- ARGV  1 next: the fence as the writer knows it, 2 unread: 1 while records lie behind the fence, else 0
-- Returns 1 if written. Repeating it changes nothing.

if redis.call('HGET', KEYS[1], 'next') ~= ARGV[1] then return 0 end
redis.call('HSET', KEYS[1], 'unread', ARGV[2])
return 1
