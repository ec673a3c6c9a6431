-- Step 6, peaks and records: notes scopes in whose rankings sessions are about to be put. `step.lua` stands in front.
--
-- KEYS  1 passes, then the set of each session
-- ARGV  1 source, 2 step before, 3 this step; then for each session a scope (`dimension|id`)
-- Returns 1; 0 with nothing changed if the pass may not go on. Repeating it changes nothing.

if not take_step(KEYS[1], {ARGV[1], ARGV[2], ARGV[3]}) then return 0 end
for i = 2, #KEYS do redis.call('SADD', KEYS[i], ARGV[i + 2]) end
return 1
