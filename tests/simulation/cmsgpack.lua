-- The library `cmsgpack` of Redis, as far as our scripts use it: pack and unpack of whole numbers, texts, booleans, nil
-- and tables. A table whose keys are 1..n is an array (an empty one too), any other a map.

local byte, char, sub, floor = string.byte, string.char, string.sub, math.floor

local function number_of(s, at, bytes)
  local value = 0
  for i = at, at + bytes - 1 do value = value * 256 + byte(s, i) end
  return value, at + bytes
end

local function signed(s, at, bytes)
  local value, next_at = number_of(s, at, bytes)
  if byte(s, at) >= 128 then value = value - 256 ^ bytes end
  return value, next_at
end

local read

local function text(s, at, length) return sub(s, at, at + length - 1), at + length end

local function array(s, at, length)
  local made = {}
  for i = 1, length do made[i], at = read(s, at) end
  return made, at
end

local function map(s, at, length)
  local made, key = {}, nil
  for _ = 1, length do
    key, at = read(s, at)
    made[key], at = read(s, at)
  end
  return made, at
end

function read(s, at)
  local tag = byte(s, at)
  at = at + 1
  if tag < 0x80 then return tag, at end
  if tag < 0x90 then return map(s, at, tag - 0x80) end
  if tag < 0xa0 then return array(s, at, tag - 0x90) end
  if tag < 0xc0 then return text(s, at, tag - 0xa0) end
  if tag >= 0xe0 then return tag - 256, at end
  if tag == 0xc0 then return nil, at end
  if tag == 0xc2 then return false, at end
  if tag == 0xc3 then return true, at end
  if tag >= 0xcc and tag <= 0xcf then return number_of(s, at, 2 ^ (tag - 0xcc)) end
  if tag >= 0xd0 and tag <= 0xd3 then return signed(s, at, 2 ^ (tag - 0xd0)) end
  local size
  if tag >= 0xd9 and tag <= 0xdb then
    size, at = number_of(s, at, 2 ^ (tag - 0xd9))
    return text(s, at, size)
  end
  if tag == 0xdc or tag == 0xdd then
    size, at = number_of(s, at, tag == 0xdc and 2 or 4)
    return array(s, at, size)
  end
  if tag == 0xde or tag == 0xdf then
    size, at = number_of(s, at, tag == 0xde and 2 or 4)
    return map(s, at, size)
  end
  error('a kind of msgpack that is not simulated: ' .. tag)
end

local function be(value, bytes)
  local made = ''
  for _ = 1, bytes do
    made = char(value % 256) .. made
    value = floor(value / 256)
  end
  return made
end

local function whole(value)
  if floor(value) ~= value then error('only whole numbers are simulated: ' .. value) end
  if value >= 0 then
    if value < 128 then return char(value) end
    if value < 2 ^ 8 then return char(0xcc, value) end
    if value < 2 ^ 16 then return char(0xcd) .. be(value, 2) end
    if value < 2 ^ 32 then return char(0xce) .. be(value, 4) end
    return char(0xcf) .. be(value, 8)
  end
  if value >= -32 then return char(value + 256) end
  if value >= -2 ^ 7 then return char(0xd0, value + 2 ^ 8) end
  if value >= -2 ^ 15 then return char(0xd1) .. be(value + 2 ^ 16, 2) end
  if value >= -2 ^ 31 then return char(0xd2) .. be(value + 2 ^ 32, 4) end
  error('a number that is not simulated: ' .. value)
end

local function head(length, few, tag, small)
  if length < few then return char(small + length) end
  if length < 2 ^ 16 then return char(tag) .. be(length, 2) end
  return char(tag + 1) .. be(length, 4)
end

local function head_of_text(length)
  if length < 32 then return char(0xa0 + length) end
  if length < 2 ^ 8 then return char(0xd9, length) end
  if length < 2 ^ 16 then return char(0xda) .. be(length, 2) end
  return char(0xdb) .. be(length, 4)
end

local write

local function count(value)
  local entries = 0
  for key in pairs(value) do
    entries = entries + 1
    if type(key) ~= 'number' or key < 1 or floor(key) ~= key then entries = -math.huge end
  end
  return entries
end

local function write_table(value, parts)
  local entries = count(value)
  if entries == #value then
    parts[#parts + 1] = head(entries, 16, 0xdc, 0x90)
    for i = 1, entries do write(value[i], parts) end
    return
  end
  local size = 0
  for _ in pairs(value) do size = size + 1 end
  parts[#parts + 1] = head(size, 16, 0xde, 0x80)
  for key, each in pairs(value) do
    write(key, parts)
    write(each, parts)
  end
end

function write(value, parts)
  local kind = type(value)
  if kind == 'number' then parts[#parts + 1] = whole(value)
  elseif kind == 'string' then
    parts[#parts + 1] = head_of_text(#value)
    parts[#parts + 1] = value
  elseif kind == 'boolean' then parts[#parts + 1] = char(value and 0xc3 or 0xc2)
  elseif kind == 'nil' then parts[#parts + 1] = char(0xc0)
  elseif kind == 'table' then write_table(value, parts)
  else error('a ' .. kind .. ' can not be packed') end
end

cmsgpack = {
  pack = function(value)
    local parts = {}
    write(value, parts)
    return table.concat(parts)
  end,
  unpack = function(s) return (read(s, 1)) end,
}
