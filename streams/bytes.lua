-- Comparing texts as every part of the program does; joined in front of the scripts that need it (`streams/scripts.py`).

-- By bytes: `<` compares by the locale that the server was started with.
local function bytes_before(a, b)
  for i = 1, math.min(#a, #b) do
    local x, y = a:byte(i), b:byte(i)
    if x ~= y then return x < y end
  end
  return #a < #b
end
