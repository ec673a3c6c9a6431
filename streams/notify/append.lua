-- Appends alerts to the stream of what was told, if it ends where the caller takes it to end.
--
-- KEYS  1 told
-- ARGV  1 the offset in the topic at which the stream ends: the next one that it lacks; 2 entries that it keeps at
--       least; then for each alert, in the order of the topic: its offset, its value
-- Returns the offset at which the stream ends now. If that was not ARGV 1 before, nothing was appended: Redis went back,
-- another worker was here, or a call that was repeated had been done already. Repeating changes nothing.

local function ends()
  local last = redis.call('XREVRANGE', KEYS[1], '+', '-', 'COUNT', 1)[1]
  return last and tonumber(string.match(last[1], '^%d+')) or 0
end

local now = ends()
if now ~= tonumber(ARGV[1]) then return now end
for at = 3, #ARGV, 2 do
  now = tonumber(ARGV[at]) + 1
  redis.call('XADD', KEYS[1], 'MAXLEN', '~', ARGV[2], string.format('%d-0', now), 'a', ARGV[at + 1])
end
return now
