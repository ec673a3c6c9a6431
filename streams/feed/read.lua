-- The feed: reads tallies of one shard as they stand at one moment, with the change version.
--
-- KEYS  1 sequence
-- ARGV  1 a msgpack array of two: keys; and what to read of each. A text is what the names of the counters of an hour
--       begin with (two digits, or a session's local hour); 0 a whole hash; 1 the number of members of a sketch; 2 the
--       declarations of a session
--       2 the codes of the counters
-- Returns {sequence, reply, ...}: HMGET, HGETALL or PFCOUNT. It writes nothing: of a single sketch PFCOUNT would store
-- the count inside of it, and tell replicas; of two, though they be the same, it does not.
--
-- The client packs a key in microseconds as one of KEYS, and in a tenth of one as a part of a text, and there are ten
-- thousand. They have the tag of KEYS[1], and lie in the same slot of a cluster.

local keys, how = unpack(cmsgpack.unpack(ARGV[1]))
local codes = ARGV[2]
local named = {}
local function names(prefix)
  local found = named[prefix]
  if not found then
    found = {}
    for code in codes:gmatch('.') do found[#found + 1] = prefix .. code end
    named[prefix] = found
  end
  return found
end

local replies = {tonumber(redis.call('GET', KEYS[1]) or 0)}
for i, what in ipairs(how) do
  local key = keys[i]
  if what == 0 then replies[i + 1] = redis.call('HGETALL', key)
  elseif what == 1 then replies[i + 1] = redis.call('PFCOUNT', key, key)
  elseif what == 2 then replies[i + 1] = redis.call('HMGET', key, 'started', 'ended', 'first_ms', 'last_ms')
  else replies[i + 1] = redis.call('HMGET', key, unpack(names(what))) end
end
return replies
