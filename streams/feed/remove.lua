-- The feed: takes away what settles said has changed, once it is published; or puts it into one field instead.
--
-- KEYS  1 changed:tallies, 2 sequence
-- ARGV  1 "" where it is published, else "merged"; 2 the text that says all of it at once; then the fields
-- Returns 1; 0 if some of the fields were not there any more: then the text stands in one field, to be published again.
-- Repeating it publishes once more, which is harmless.

local gone = false
for i = 3, #ARGV do
  if redis.call('HDEL', KEYS[1], ARGV[i]) == 0 then gone = true end
end
if not gone and ARGV[1] == '' then return 1 end
-- A field is read, published and removed by its name, so one that has grown meanwhile needs another.
local name, number = (redis.call('GET', KEYS[2]) or '0') .. ' again ', 0
while redis.call('HEXISTS', KEYS[1], name .. number) == 1 do number = number + 1 end
redis.call('HSET', KEYS[1], name .. number, ARGV[2])
return gone and 0 or 1
