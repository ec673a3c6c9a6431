-- Claims an empty Redis database for Hightide, or says whose it is. No units, no expiry.
-- KEYS[1]  the marker
-- ARGV[1]  the schema of our keys
-- Answers  {"ours"}             the marker has our schema, or the database was empty and has it now
--          {"schema", value}    the marker has another schema
--          {"foreign", keys}    no marker (or none of ours), and so many keys of somebody else
-- Repeating it changes nothing. Nothing is written unless the database is empty.
local kind = redis.call("TYPE", KEYS[1])["ok"]
if kind == "string" then
  local found = redis.call("GET", KEYS[1])
  if found == ARGV[1] then
    return {"ours"}
  end
  return {"schema", found}
end
local keys = redis.call("DBSIZE")
if keys > 0 then
  return {"foreign", tostring(keys)}
end
redis.call("SET", KEYS[1], ARGV[1])
return {"ours"}
