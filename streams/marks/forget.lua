-- Step 6, peaks and records: removes changed marks that are as old as when they were read. `step.lua` stands in front.
--
-- KEYS  1 changed marks of one reader, 2 passes, 3 heard
-- ARGV  1 source, 2 step before, 3 this step, 4 ticket of the pass where what was raised may lie in other shards, else "";
--       5 the change version up to which all marks were read, "" = none; 6 how many shards follow: their number and the
--       name that the pass left there; then mark, its change version, ... of those that are not named by 5
-- Returns 1; 0 with nothing changed if the pass may not go on: Redis went back, and what was raised may be gone. Repeating
-- it changes nothing; a thing that changed in between keeps its mark.

if not take_step(KEYS[2], {ARGV[1], ARGV[2], ARGV[3]}) then return 0 end
local marks = 7 + 2 * tonumber(ARGV[6])
for i = 7, marks - 1, 2 do redis.call('HSET', KEYS[2], 'left:' .. ARGV[i], ARGV[i + 1]) end
if ARGV[5] ~= '' then redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', ARGV[5]) end
for i = marks, #ARGV, 2 do
  if tonumber(redis.call('ZSCORE', KEYS[1], ARGV[i]) or -1) == tonumber(ARGV[i + 1]) then
    redis.call('ZREM', KEYS[1], ARGV[i])
  end
  if ARGV[4] ~= '' then redis.call('ZADD', KEYS[3], ARGV[4], ARGV[i]) end
end
return 1
