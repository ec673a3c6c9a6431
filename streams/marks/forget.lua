-- Step 6, peaks and records: removes changed marks that are as old as when they were read.
--
-- KEYS  1 changed marks of one reader
-- ARGV  mark, its change version, mark, its change version, ...
-- Returns how many went. Repeating it changes nothing; a thing that changed in between keeps its mark.

local went = 0
for i = 1, #ARGV, 2 do
  if tonumber(redis.call('ZSCORE', KEYS[1], ARGV[i]) or -1) == tonumber(ARGV[i + 1]) then
    went = went + redis.call('ZREM', KEYS[1], ARGV[i])
  end
end
return went
