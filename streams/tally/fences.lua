-- Step 1, chunk: a fence for a partition that has none in this shard, once.
--
-- KEYS  1 fence hash, 2 set of partitions
-- ARGV  1 partition (text "number:topic"), 2 origin: the first offset the log still has
-- Returns the offset at which the fence stands. Repeating it changes nothing: an existing fence is never moved.

if redis.call('EXISTS', KEYS[1]) == 0 then
  redis.call('SADD', KEYS[2], ARGV[1])
  redis.call('HSET', KEYS[1], 'next', ARGV[2], 'origin', ARGV[2], 'counted', 0, 'resends', 0, 'rejected', 0, 'holes', 0,
    'trusted_ms', 0, 'arrival_ms', 0, 'last_crc', 0, 'last_ms', 0, 'unread', 1)
end
return redis.call('HGET', KEYS[1], 'next')
