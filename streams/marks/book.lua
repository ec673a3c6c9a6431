-- The book of one ranking, and how a holder moves in it. Joined in front of `raise.lua`, behind `bytes.lua`; `ranking.py` says the same
-- rules plainly.
--
-- A ranking's hash has the fields
--   stairs    msgpack of entries: the closed holders strictly above all that closed before them, in closing order
--   history   msgpack of {list, more}: (order, holder) of the first closed holders with GMV above 0, at most HISTORY
--             (or the minimum, if that is greater); `more` tells that later ones are not listed
--   top, past the value of the last stair (or 0) and the length of the list, for those who need no more than that
--   h:<id>    msgpack of the entry of a holder; a ranking whose values only grow forgets those that are closed
--   a:<id>    msgpack of {state, revision} of a holder's alert, for ever
-- An entry is an array; times are epoch ms, values fen, `end` is false while no end is declared, `sold` is 1 if it has
-- GMV above 0, else 0:
local ORDER, HOLDER, VALUE, START, END, CLOSE, EVIDENCE, STAND, VERSION, SOLD = 1, 2, 3, 4, 5, 6, 7, 8, 9, 10
local OPEN, CLOSED, GONE = 0, 1, 2
local HISTORY = 16

local function whole(number) return string.format('%.0f', number) end

-- The order in which holders close.
local function before(a, b)
  if a[ORDER] ~= b[ORDER] then return a[ORDER] < b[ORDER] end
  return bytes_before(a[HOLDER], b[HOLDER])
end

-- Where in a list an entry stands or would stand: searched from the end, because most are recent.
local function place_of(list, entry)
  local i = #list
  while i > 0 and not before(list[i], entry) do i = i - 1 end
  return i + 1
end

local function index_of(list, holder)
  for i = #list, 1, -1 do
    if list[i][HOLDER] == holder then return i end
  end
end

local function open_book(keys)
  local found = redis.call('HMGET', keys.hash, 'stairs', 'history')
  local history = found[2] and cmsgpack.unpack(found[2]) or {{}, false}
  return {stairs = found[1] and cmsgpack.unpack(found[1]) or {}, list = history[1], more = history[2]}
end

local function close_book(keys, book)
  local last = book.stairs[#book.stairs]
  redis.call('HSET', keys.hash, 'stairs', cmsgpack.pack(book.stairs), 'history', cmsgpack.pack({book.list, book.more}),
    'top', last and last[VALUE] or 0, 'past', #book.list)
end

-- Closed holders between two entries whose value is in (floor, ceiling], each above the one before: those that step
-- into a gap of the stairs.
local function climbers(keys, floor, ceiling, from, till)
  local found = {}
  if floor >= ceiling then return found end
  local band = redis.call('ZRANGEBYSCORE', keys.closed, '(' .. whole(floor), whole(ceiling), 'WITHSCORES')
  for i = 1, #band, 2 do
    local candidate = {tonumber(band[i]:sub(1, 15)), band[i]:sub(17), tonumber(band[i + 1])}
    if before(from, candidate) and (not till or before(candidate, till)) then found[#found + 1] = candidate end
  end
  table.sort(found, before)
  local steps = {}
  for _, candidate in ipairs(found) do
    if candidate[VALUE] > floor then
      floor = candidate[VALUE]
      steps[#steps + 1] = cmsgpack.unpack(redis.call('HGET', keys.hash, 'h:' .. candidate[HOLDER]))
    end
  end
  return steps
end

-- Takes a holder off the stairs and lets in those that it alone kept out. `keeps` is what it still keeps out where it
-- stood: its new value there, or 0.
local function step_down(keys, stairs, holder, keeps)
  local at = index_of(stairs, holder)
  if not at then return end
  local gone = table.remove(stairs, at)
  local below = at > 1 and stairs[at - 1][VALUE] or 0
  for i, step in ipairs(climbers(keys, math.max(below, keeps), gone[VALUE], gone, stairs[at])) do
    table.insert(stairs, at + i - 1, step)
  end
end

-- Puts a closed holder on the stairs if it is above all before it; it pushes off the later ones that it reaches.
local function step_up(stairs, entry)
  local at = place_of(stairs, entry)
  local below = at > 1 and stairs[at - 1][VALUE] or 0
  if entry[VALUE] <= below then return end
  while stairs[at] and stairs[at][VALUE] <= entry[VALUE] do table.remove(stairs, at) end
  table.insert(stairs, at, entry)
end

local function remember(book, entry, limit)
  if entry[SOLD] == 0 or index_of(book.list, entry[HOLDER]) then return end
  local at = place_of(book.list, entry)
  if book.more and at > #book.list then return end -- others, unlisted, come between
  table.insert(book.list, at, {entry[ORDER], entry[HOLDER]})
  if #book.list > limit then
    table.remove(book.list)
    book.more = true
  end
end

local function forget(book, holder)
  local at = index_of(book.list, holder)
  if at then table.remove(book.list, at) end
end

-- When so many were forgotten that the list no longer tells who has history, it is made anew.
local function recall(keys, book, minimum, limit)
  if #book.list >= minimum or not book.more then return end
  local all = {}
  for _, member in ipairs(redis.call('ZRANGE', keys.closed, 0, -1)) do
    local entry = cmsgpack.unpack(redis.call('HGET', keys.hash, 'h:' .. member:sub(17)))
    if entry[SOLD] == 1 then all[#all + 1] = {entry[ORDER], entry[HOLDER]} end
  end
  table.sort(all, before)
  book.more = #all > limit
  book.list = {unpack(all, 1, math.min(#all, limit))}
end
