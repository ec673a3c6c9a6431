-- Step 5, changed: one step of a pass, joined in front of the scripts that take one. `steps.py` says what for.
--
-- `step` is {source shard, what the step before left, what this one leaves}; a source of "" asks and leaves nothing.
-- Returns whether the pass may go on: what it left is there, or the step is repeated.
local function take_step(key, step)
  if step[1] == '' then return true end
  local there = redis.call('HGET', key, step[1]) or ''
  if there ~= step[2] and there ~= step[3] then return false end
  redis.call('HSET', key, step[1], step[3])
  return true
end
