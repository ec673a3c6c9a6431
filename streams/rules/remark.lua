-- Marks sessions as changed, whatever they are, so that the detector of records looks at them once more.
--
-- KEYS  1 sequence, 2 changed marks of records
-- ARGV  session ids
-- Returns how many. A mark that is there stays as old as it is; repeating it changes nothing that matters.

local version = redis.call('GET', KEYS[1]) or '0'
for _, id in ipairs(ARGV) do redis.call('ZADD', KEYS[2], 'NX', version, 'session|' .. id) end
return #ARGV
