-- Step 5, changed: raises an integer that never falls.
--
-- KEYS  1 the integer   ARGV  1 what it is to be at least
-- Returns what it is now, as text. Repeating it changes nothing.

local stored = redis.call('GET', KEYS[1])
if stored and tonumber(stored) >= tonumber(ARGV[1]) then return stored end
redis.call('SET', KEYS[1], ARGV[1])
return ARGV[1]
