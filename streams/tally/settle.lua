-- Step 4, settle: the deltas of records [start, stop) of one partition into one shard, together with the fence.
--
-- KEYS  1 fence hash, 2 set of partitions, 3 sequence, 4 settling, 5 first offsets, 6 changed:peaks, 7 changed:records,
--       8 changed:tallies, then the hashes and sketches that the parts of ARGV[1] name, in their order: sums, members, sessions, fields.
-- ARGV  1 a msgpack array:
--       partition (text "number:topic"), start, stop (record offsets), counted, resends, rejected (records),
--       holes (offsets without a record),
--       trusted_ms, arrival_ms (epoch ms, 0 = none), last_crc, last_ms (identity of the last record), unread (0 or 1),
--       first_offsets  {local hour, offset, ...}
--       peaks, records {changed thing, ...}
--       sums           {{field, delta, ...}, ...}        one for each key, HINCRBY (fen, orders, units)
--       members        {{place, ...}, ...}               one for each key, PFADD of the names at these places
--       sessions       {{started, ended, first_ms, last_ms}, ...}   one for each key; the least text by bytes wins,
--                        "" = none; `bytes.lua` stands in front of this text
--       fields         {{field, value, ...}, ...}        one for each key, HSET (orders, ids of days, late hours)
--       names          {name, ...}                       what members are places in, from 0
--       tallies        what the feed reads, one text however many tallies changed (`streams/feed/names.py`); "" = no feed
--
-- Returns {1, sequence} applied; {0, next} the fence stands elsewhere, nothing changed; {-1, ""} no fence;
--         {-2, what} an earlier settle died half-way; {-3, why} this one failed and was taken back.
--
-- Repeating it changes nothing: the second time the fence stands at `stop`. Redis does not roll a script back, so the
-- only writes that can not be repeated, the sums, come last, are undone by hand when one of them fails (a key of
-- another type, an overflow, a right taken away), and stand before nothing that could fail by itself. `settling` is
-- set for as long as the undo could be cut short.

local job = cmsgpack.unpack(ARGV[1])
local partition, start, stop = job[1], job[2], job[3]
local first_offsets, peaks, records = job[13], job[14], job[15]
local sums, members, sessions, fields, names, tallies = job[16], job[17], job[18], job[19], job[20], job[21]

local fence = redis.call('HMGET', KEYS[1], 'next', 'trusted_ms', 'arrival_ms', 'unread')
if not fence[1] then return {-1, ''} end
if tonumber(fence[1]) ~= start then return {0, fence[1]} end
local died = redis.call('GET', KEYS[4])
if died then return {-2, died} end

local function at_most(items, do_part) -- Lua's unpack is bounded by its stack
  for from = 1, #items, 4000 do do_part(unpack(items, from, math.min(from + 3999, #items))) end
end

-- 1. What can be repeated without harm.
local key = 8 + #sums
for i = 1, #members do
  local named = members[i]
  for j = 1, #named do named[j] = names[named[j] + 1] end
  at_most(named, function(...) redis.call('PFADD', KEYS[key + i], ...) end)
end
key = key + #members
for i = 1, #sessions do
  local stored = redis.call('HMGET', KEYS[key + i], 'started', 'ended', 'first_ms', 'last_ms')
  local news = sessions[i]
  local write = {}
  for j, field in ipairs({'started', 'ended'}) do
    if news[j] ~= '' and (not stored[j] or bytes_before(news[j], stored[j])) then
      write[#write + 1] = field
      write[#write + 1] = news[j]
    end
  end
  if not stored[3] or news[3] < tonumber(stored[3]) then write[#write + 1] = 'first_ms'; write[#write + 1] = news[3] end
  if not stored[4] or news[4] > tonumber(stored[4]) then write[#write + 1] = 'last_ms'; write[#write + 1] = news[4] end
  if #write > 0 then redis.call('HSET', KEYS[key + i], unpack(write)) end
end
key = key + #sessions
for i = 1, #fields do
  at_most(fields[i], function(...) redis.call('HSET', KEYS[key + i], ...) end)
end
for i = 1, #first_offsets, 2 do
  redis.call('HSETNX', KEYS[5], first_offsets[i], first_offsets[i + 1])
end
local sequence = redis.call('INCR', KEYS[3])
for at, changed in ipairs({peaks, records}) do
  local pairs_of = {}
  for i = 1, #changed do
    pairs_of[2 * i - 1] = sequence
    pairs_of[2 * i] = changed[i]
  end
  at_most(pairs_of, function(...) redis.call('ZADD', KEYS[5 + at], ...) end)
end
if tallies ~= '' then
  redis.call('HSET', KEYS[8], string.format('%.0f %.0f ', sequence, start) .. partition, tallies)
end
-- Nothing may fail behind the sums: what is written there is tried here, on the same keys and by the same commands.
redis.call('HSET', KEYS[1], 'unread', fence[4] or 1)
redis.call('HINCRBY', KEYS[1], 'counted', 0)
redis.call('DEL', KEYS[4])

-- 2. The sums, with an undo.
redis.call('SET', KEYS[4], partition .. ' ' .. start .. ' ' .. stop)
for i = 1, #sums do
  local row = sums[i]
  for j = 1, #row, 2 do
    local reply = redis.pcall('HINCRBY', KEYS[8 + i], row[j], row[j + 1])
    if type(reply) == 'table' and reply.err then
      for undo_i = i, 1, -1 do
        local undo = sums[undo_i]
        for undo_j = (undo_i == i and j - 2 or #undo - 1), 1, -2 do
          redis.call('HINCRBY', KEYS[8 + undo_i], undo[undo_j], -undo[undo_j + 1])
        end
      end
      redis.call('DEL', KEYS[4])
      return {-3, KEYS[8 + i] .. ': ' .. reply.err}
    end
  end
end

-- 3. The fence, and the end of the danger.
redis.call('HINCRBY', KEYS[1], 'counted', job[4])
redis.call('HINCRBY', KEYS[1], 'resends', job[5])
redis.call('HINCRBY', KEYS[1], 'rejected', job[6])
redis.call('HINCRBY', KEYS[1], 'holes', job[7])
redis.call('HSET', KEYS[1], 'next', stop,
  'trusted_ms', math.max(job[8], tonumber(fence[2] or 0)), 'arrival_ms', math.max(job[9], tonumber(fence[3] or 0)),
  'last_crc', job[10], 'last_ms', job[11], 'unread', job[12])
redis.call('DEL', KEYS[4])
return {1, sequence}
