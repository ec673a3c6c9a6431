-- Step 1, chunk: the change version of a shard goes on above every one that it ever gave.
--
-- KEYS  1 sequence   ARGV  1 the version that a history begins with (`streams/keys.py`, HISTORY)
-- Returns the change version as text. Repeating it changes nothing.
--
-- Redis may have gone back, and would give the same versions again to other changes: a detection that was under way
-- would then remove marks that it never read, and what it raised would look newer than what is settled now.

local stored = redis.call('GET', KEYS[1])
if stored and tonumber(stored) >= tonumber(ARGV[1]) then return stored end
redis.call('SET', KEYS[1], ARGV[1])
return ARGV[1]
