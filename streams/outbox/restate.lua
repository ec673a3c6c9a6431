-- Step 7, outbox: tells a state of an alert that the topic lacks, or takes back one that the rankings do not bear out.
--
-- KEYS  1 hash of the ranking, 2 outbox
-- ARGV  1 the alert's field in the hash, 2 what stands there (msgpack, "" = nothing), 3 what is to stand there,
--       4 the fact (msgpack, `streams/marks/facts.py`), 5 entries that the caller knows to be in the outbox
-- Returns 1; 0 with nothing changed if either is not as the caller knows it: a change of state is under way. Repeating it
-- changes nothing, because the entry is in the outbox then.

if (redis.call('HGET', KEYS[1], ARGV[1]) or '') ~= ARGV[2] then return 0 end
if redis.call('XLEN', KEYS[2]) ~= tonumber(ARGV[5]) then return 0 end
redis.call('HSET', KEYS[1], ARGV[1], ARGV[3])
redis.call('XADD', KEYS[2], '*', 'f', ARGV[4])
return 1
