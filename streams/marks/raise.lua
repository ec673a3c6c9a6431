-- Step 6, peaks and records: raises, closes and withdraws holders in rankings of one shard, and puts every change of
-- an alert's state into the outbox in the same step. `book.lua` and `step.lua` stand in front of this text.
--
-- KEYS  1 closing, 2 outbox, 3 judged, 4 passes
-- ARGV  1 a msgpack array (times in epoch ms, values in fen):
--       watermark, lateness_ms, min_history, detected_at_ms
--       prefix     what this shard's keys begin with
--       families   {{rule, metric, kind of holder, falls}, ...}   falls: values may also fall
--       rankings   {{family, dimension, scope id}, ...}
--       evidences  {text, ...}
--       subjects   {{holder, order, start, end or false, close, evidence, version}, ...}   of a close: {holder}
--       acts       {0, ranking, subject, value, sold,  raise
--                   1, ranking, subject, 0, 0,         close if due
--                   2, ranking, subject, 0, 0,         withdraw
--                   3, ranking, subject, value, 0, ...}  tell that the holder, a sum, is reached
--       step
--       family, ranking, evidence and subject count from 1. One array of acts, and subjects that many of them share,
--       because most of the time of this script goes into taking its arguments apart. For the same reason the keys of
--       rankings, thousands, are named here; they have the tag of KEYS, and lie in the same slot of a cluster.
--
-- Returns the changes as {rule, state, rule, state, ...}; nil, with nothing changed, if the pass may not go on. Values are absolute: repeating a call changes nothing. An act
-- with an older version than its holder's is left out, a newer one has said more. A watermark below that of an earlier
-- call counts as that one, so nothing opens again because a slower worker looks back.

local RAISE, CLOSE_IF_DUE, WITHDRAW, REACH = 0, 1, 2, 3
local LIVE = {provisional = true, confirmed = true, reinstated = true}

local job = cmsgpack.unpack(ARGV[1])
local lateness, minimum, detected_at = job[2], job[3], job[4]
local prefix, families, rows, evidences, subjects, acts = job[5], job[6], job[7], job[8], job[9], job[10]
local limit = math.max(HISTORY, minimum)
local changes = {}

-- 1. Check everything: Lua does not roll back.
local function is_number(value) return type(value) == 'number' end
local whole_subjects = {}
for i, of in ipairs(subjects) do
  assert(type(of[1]) == 'string', 'a subject without holder')
  whole_subjects[i] = is_number(of[2]) and is_number(of[3]) and (of[4] == false or is_number(of[4])) and is_number(of[5])
    and type(evidences[of[6]]) == 'string' and is_number(of[7])
end
local rankings, keys_of = {}, {}
for i, row in ipairs(rows) do
  local family = families[row[1]]
  local rank = {family[1], family[2], row[2], row[3], family[3], family[4]}
  local name = rank[1] .. ':' .. rank[2] .. ':' .. rank[3] .. ':' .. rank[4]
  rankings[i] = rank
  keys_of[i] = {hash = prefix .. 'ranking:' .. name, open = prefix .. 'open:' .. name, closed = prefix .. 'closed:' .. name}
end
assert(#acts % 5 == 0, 'a part of an act')
for i = 1, #acts, 5 do
  local kind, rank, subject, value = acts[i], rankings[acts[i + 1]], subjects[acts[i + 2]], acts[i + 3]
  assert(rank and subject, 'an act without ranking or holder')
  if kind == RAISE or kind == REACH then
    assert(whole_subjects[acts[i + 2]] and is_number(acts[i + 4]), 'a raise lacks a number, or evidence')
    assert(value > -9007199254740992 and value < 9007199254740992, 'a value that is not exact')
  elseif kind == WITHDRAW then
    assert(is_number(subject[7]) and rank[6], 'a withdrawal without version, or where values only grow')
  else
    assert(kind == CLOSE_IF_DUE, 'an unknown act')
  end
end
if not take_step(KEYS[4], job[11]) then return nil end

local watermark = math.max(job[1], tonumber(redis.call('GET', KEYS[3]) or 0))
redis.call('SET', KEYS[3], whole(watermark))
local known_watermark = watermark > 0 and watermark or nil

-- 2. Alerts.
local function next_state(state, won, open, fell)
  if open and won then return 'provisional' end
  if won then
    if not state or state == 'provisional' then return 'confirmed' end
    return LIVE[state] and state or 'reinstated'
  end
  if LIVE[state] then return fell and 'retracted' or 'superseded' end
  return state
end

local function tell(rank, keys, entry, alert, state, previous, cause, by)
  local revision = alert and alert[2] + 1 or 1
  redis.call('HSET', keys.hash, 'a:' .. entry[HOLDER], cmsgpack.pack({state, revision}))
  redis.call('XADD', KEYS[2], '*', 'f', cmsgpack.pack({
    rule = rank[1], metric = rank[2], dimension = rank[3], scope_id = rank[4], kind = rank[5],
    holder = entry[HOLDER], start_ms = entry[START], end_ms = entry[END] or nil, value = entry[VALUE],
    previous = previous and {
      holder = previous[HOLDER], start_ms = previous[START], end_ms = previous[END] or nil, value = previous[VALUE],
    },
    by = by and {holder = by[HOLDER], start_ms = by[START], value = by[STAND] ~= GONE and by[VALUE] or nil},
    state = state, revision = revision, cause = cause, evidence = entry[EVIDENCE],
    event_time_ms = entry[STAND] == CLOSED and entry[CLOSE] or known_watermark,
    detected_at_ms = detected_at, as_of_ms = known_watermark,
  }))
  changes[#changes + 1] = rank[1]
  changes[#changes + 1] = state
end

local function due(entry) return entry[CLOSE] + lateness <= watermark end

-- What an act did to the holder that it is about.
local function move_of(rank, old, new)
  local closed = old and old[STAND] == CLOSED
  return {
    of = new,
    fell = old and new[VALUE] < old[VALUE],
    late = rank[6] and closed and (new[VALUE] > old[VALUE] and 'late' or 'moved'),
    gave_way = new[STAND] == GONE or (old and
      (new[VALUE] < old[VALUE] or new[ORDER] ~= old[ORDER] or (closed and new[STAND] == OPEN))),
  }
end

-- Why a holder came to a state, and through whom if that was another. Of what opens and closes in its time: nil.
local function cause_of(state, won, itself, move)
  if state == 'retracted' then return 'fell' end
  if state == 'superseded' then return won and 'history' or 'reached' end
  if state == 'provisional' then return end
  if not itself then
    if move.gave_way then return 'freed', move.of end
    return 'history'
  end
  return move.late or (state == 'reinstated' and 'rose') or nil
end

-- Compares a holder with the book and tells what changed by a move. An open holder that is due is left to the act that
-- closes it: what it would be told to be until then is old news.
local function judge(rank, keys, book, entry, move)
  local open = entry[STAND] == OPEN
  if open and due(entry) then return end
  local packed = redis.call('HGET', keys.hash, 'a:' .. entry[HOLDER])
  local alert = packed and cmsgpack.unpack(packed)
  local at = open and #book.stairs + 1 or place_of(book.stairs, entry)
  local previous, here = book.stairs[at - 1], book.stairs[at]
  local top = open and entry[VALUE] > (previous and previous[VALUE] or 0)
  local won = top or (here and here[HOLDER] == entry[HOLDER])
  local mark = book.list[minimum]
  local known = minimum == 0 or (mark and (open or before(mark, entry)))
  local itself = move.of[HOLDER] == entry[HOLDER]
  local state = next_state(alert and alert[1], won and known, open, itself and move.fell)
  if state == (alert and alert[1]) then return end
  tell(rank, keys, entry, alert, state, previous, cause_of(state, won, itself, move))
end

-- 3. Holders.
local function closing_member(rank, holder)
  return table.concat({rank[1], rank[2], rank[3], rank[5], #rank[4], rank[4] .. holder}, '|')
end

-- The common case: an open holder stays open. Nobody else is concerned.
local function put_open(rank, keys, old, new, found)
  redis.call('HSET', keys.hash, 'h:' .. new[HOLDER], cmsgpack.pack(new))
  if not old or old[VALUE] ~= new[VALUE] then redis.call('ZADD', keys.open, new[VALUE], new[HOLDER]) end
  if not old or new[CLOSE] < old[CLOSE] then -- a later one is found when it is due (`due.lua`)
    redis.call('ZADD', KEYS[1], new[CLOSE], closing_member(rank, new[HOLDER]))
  end
  local state = found[2] and cmsgpack.unpack(found[2])[1] or nil
  local above = new[VALUE] > tonumber(found[3] or 0) and tonumber(found[4] or 0) >= minimum
  if next_state(state, above, true, false) == state then return end
  judge(rank, keys, open_book(keys), new, move_of(rank, old, new))
end

local function take_out(rank, keys, book, old, new)
  local holder = old[HOLDER]
  if old[STAND] == OPEN then
    redis.call('ZREM', keys.open, holder)
    redis.call('ZREM', KEYS[1], closing_member(rank, holder))
    return
  end
  local stays = new[STAND] == CLOSED and new[ORDER] == old[ORDER]
  redis.call('ZREM', keys.closed, string.format('%015.0f|', old[ORDER]) .. holder)
  step_down(keys, book.stairs, holder, stays and new[VALUE] or 0)
  if not stays or new[SOLD] == 0 then forget(book, holder) end
end

local function put_in(rank, keys, book, new)
  local holder = new[HOLDER]
  if new[STAND] == OPEN then
    redis.call('ZADD', keys.open, new[VALUE], holder)
    redis.call('ZADD', KEYS[1], new[CLOSE], closing_member(rank, holder))
  elseif new[STAND] == CLOSED then
    if rank[6] then redis.call('ZADD', keys.closed, new[VALUE], string.format('%015.0f|', new[ORDER]) .. holder) end
    step_up(book.stairs, new)
    remember(book, new, limit)
  end
  if rank[6] or new[STAND] == OPEN then
    redis.call('HSET', keys.hash, 'h:' .. holder, cmsgpack.pack(new))
  else
    redis.call('HDEL', keys.hash, 'h:' .. holder)
  end
end

-- Everybody whose standing may be another now, but for the holder itself: those that came to or left the stairs, all
-- stairs if the history moved, and the open ones between the old top and the new (all above, if history began or ended).
local function concerned(keys, book, was, holder)
  local found, seen = {}, {[holder] = true}
  local function add(entry)
    if not seen[entry[HOLDER]] then
      seen[entry[HOLDER]] = true
      found[#found + 1] = entry
    end
  end
  local mark, on_stairs = book.list[minimum], {}
  local moved = (mark and was.mark) and (before(mark, was.mark) or before(was.mark, mark)) or mark ~= was.mark
  for _, entry in ipairs(book.stairs) do
    on_stairs[entry[HOLDER]] = true
    if moved or not was.on_stairs[entry[HOLDER]] then add(entry) end
  end
  for _, entry in ipairs(was.stairs) do
    if not on_stairs[entry[HOLDER]] then add(entry) end
  end
  local top = #book.stairs > 0 and book.stairs[#book.stairs][VALUE] or 0
  local flipped = minimum > 0 and (mark == nil) ~= (was.mark == nil)
  if flipped or top ~= was.top then
    local high = flipped and '+inf' or whole(math.max(top, was.top))
    for _, other in ipairs(redis.call('ZRANGEBYSCORE', keys.open, '(' .. whole(math.min(top, was.top)), high)) do
      if not seen[other] then add(cmsgpack.unpack(redis.call('HGET', keys.hash, 'h:' .. other))) end
    end
  end
  return found
end

local function snapshot(book)
  local was = {stairs = {}, on_stairs = {}, top = 0, mark = book.list[minimum]}
  for i, entry in ipairs(book.stairs) do
    was.stairs[i], was.on_stairs[entry[HOLDER]], was.top = entry, true, entry[VALUE]
  end
  return was
end

local function replace(rank, keys, book, old, new)
  local was = snapshot(book)
  if old then take_out(rank, keys, book, old, new) end
  put_in(rank, keys, book, new)
  if rank[6] then recall(keys, book, minimum, limit) end
  close_book(keys, book)
  local others = concerned(keys, book, was, new[HOLDER])
  if new[STAND] ~= GONE then others[#others + 1] = new end
  table.sort(others, before)
  local move = move_of(rank, old, new)
  for _, entry in ipairs(others) do judge(rank, keys, book, entry, move) end
end

-- Where values only grow, a smaller one is an older one, and a closed holder stays closed.
local function grown(book, old, new)
  local stair = not old and index_of(book.stairs, new[HOLDER])
  if stair then old = book.stairs[stair] end
  if stair or index_of(book.list, new[HOLDER]) then new[STAND] = CLOSED end
  if old and (old[VALUE] > new[VALUE] or (old[VALUE] == new[VALUE] and old[START] < new[START])) then
    for _, i in ipairs({VALUE, START, END, EVIDENCE, SOLD}) do new[i] = old[i] end
  end
  return old, new
end

local function raise(rank, keys, of, value, sold, old, found)
  if rank[6] and old and old[VERSION] > of[7] then return end
  local new = {of[2], of[1], value, of[3], of[4], of[5], evidences[of[6]], OPEN, of[7], sold}
  if due(new) then new[STAND] = CLOSED end
  local book
  if not rank[6] then
    if not old then book = open_book(keys) end
    old, new = grown(book or {stairs = {}, list = {}}, old, new)
  end
  if old and old[STAND] == GONE then old = nil end
  if new[STAND] == OPEN and not (old and old[STAND] == CLOSED) then return put_open(rank, keys, old, new, found) end
  replace(rank, keys, book or open_book(keys), old, new)
end

local function close_if_due(rank, keys, holder, old)
  if not old or old[STAND] ~= OPEN then
    redis.call('ZREM', KEYS[1], closing_member(rank, holder))
  elseif due(old) then
    local new = {unpack(old, 1, SOLD)}
    new[STAND] = CLOSED
    replace(rank, keys, open_book(keys), old, new)
  end
end

-- The session belongs to other scopes now. Its entry stays as a mark that refuses older raises.
local function withdraw(rank, keys, holder, version, old, found)
  if old and old[VERSION] > version then return end
  if not old or old[STAND] == GONE then
    local gone = old or {0, holder, 0, 0, false, 0, '', GONE, 0, 0}
    gone[VERSION] = version
    redis.call('HSET', keys.hash, 'h:' .. holder, cmsgpack.pack(gone))
    return
  end
  local new = {unpack(old, 1, SOLD)}
  new[STAND], new[VERSION] = GONE, version
  local alert = found[2] and cmsgpack.unpack(found[2])
  if alert and LIVE[alert[1]] then tell(rank, keys, old, alert, 'retracted', nil, 'withdrawn') end
  replace(rank, keys, open_book(keys), old, new)
end

-- A sum that is reached stays so. It is told once more only if it had been taken back: Redis went back, and came again.
local function reach(rank, keys, of, value, found)
  local alert = found[2] and cmsgpack.unpack(found[2])
  if alert and LIVE[alert[1]] then return end
  local entry = {of[2], of[1], value, of[3], of[4], of[5], evidences[of[6]], OPEN, of[7], 1}
  tell(rank, keys, entry, alert, alert and 'reinstated' or 'confirmed', nil, alert and 'rose' or nil)
end

for i = 1, #acts, 5 do
  local kind, rank, keys, of = acts[i], rankings[acts[i + 1]], keys_of[acts[i + 1]], subjects[acts[i + 2]]
  local holder = of[1]
  local found = redis.call('HMGET', keys.hash, 'h:' .. holder, 'a:' .. holder, 'top', 'past')
  local old = found[1] and cmsgpack.unpack(found[1])
  if kind == RAISE then raise(rank, keys, of, acts[i + 3], acts[i + 4], old, found)
  elseif kind == REACH then reach(rank, keys, of, acts[i + 3], found)
  elseif kind == CLOSE_IF_DUE then close_if_due(rank, keys, holder, old)
  else withdraw(rank, keys, holder, of[7], old, found) end
end
return changes
