-- Retention: a ranking of records forgets a holder that closed long ago and can not matter again. `marks/book.lua`
-- stands in front of this text.
--
-- KEYS  1 hash of the ranking, 2 its closed holders
-- ARGV  1 holder, 2 the instant (epoch ms) before which it must have closed, so that it can not change any more
--
-- Returns 1 if it went. Repeating it changes nothing.
--
-- Stairs stay, and the first HISTORY holders with GMV above 0: best-ever holders and history count for ever. So do
-- the marks of those that were withdrawn. Why the others may go: they are looked for where a stair before them falls,
-- and a stair before them is as old and can not fall; and where the list of the first is made anew, which a full list
-- of holders as old never needs.

local packed = redis.call('HGET', KEYS[1], 'h:' .. ARGV[1])
if not packed then return 0 end
local entry = cmsgpack.unpack(packed)
if entry[STAND] ~= CLOSED or entry[ORDER] >= tonumber(ARGV[2]) then return 0 end
local book = open_book({hash = KEYS[1]})
if index_of(book.stairs, ARGV[1]) or index_of(book.list, ARGV[1]) then return 0 end
if entry[SOLD] == 1 and #book.list < HISTORY then return 0 end
redis.call('ZREM', KEYS[2], string.format('%015.0f|', entry[ORDER]) .. ARGV[1])
redis.call('HDEL', KEYS[1], 'h:' .. ARGV[1])
return 1
