-- Takes or renews a lease.
--
-- KEYS  1 lease
-- ARGV  1 the token under which the caller holds it, or "", 2 a token never used before, 3 time to live in ms
-- Returns 2 renewed under ARGV 1, 1 taken under ARGV 2, 0 another's. A repeated call that had taken it returns 1 again,
-- so whoever lost its lease in between is never told that it kept it.

local holder = redis.call('GET', KEYS[1])
if holder and holder == ARGV[1] then
  redis.call('PEXPIRE', KEYS[1], ARGV[3])
  return 2
end
if holder then return holder == ARGV[2] and 1 or 0 end
redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3])
return 1
