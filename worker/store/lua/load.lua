-- Everything that a decision about contents rests on, as it is at one moment: the contents of their groups, with the
-- families these are in.
-- KEYS: the prefix of the index, of families, of aliases, of the ids that resolve to a family; the counter of groups; the
-- corrections that stand, and their version.
-- ARGV[1] contents whose states share a hash, ARGV[2] the contents' numbers and ARGV[3] those of contents that the
-- caller has (packed u32 both), ARGV[4] how many new groups there may be; then ids of families that may be given to new
-- ones.
-- Returns {contents, groups, families, taken, last, corrections}: {number, state, content ('' where the caller has it)}
-- of each content, those asked for first; {name, group} of each group of more than one; {family, articles in order of
-- arrival, ids that resolve to it}; which of the ids are in use; the name of the last new group, those of the others
-- come before it; and {version, corrections with what is told of each, in turns}.
local index, families, aliases, aliased = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local per_hash, call = tonumber(ARGV[1]), redis.call

local is_had, found, is_found = {}, {}, {}
for i = 1, #ARGV[3], 4 do is_had[struct.unpack('<I4', ARGV[3], i)] = true end

local function add(number)
  if is_found[number] then return end
  is_found[number] = true
  local state = call('HGET', index .. 'state:' .. math.floor(number / per_hash), number)
  found[#found + 1] = {number, state, is_had[number] and '' or call('GET', index .. 'content:' .. number)}
end

for i = 1, #ARGV[2], 4 do add((struct.unpack('<I4', ARGV[2], i))) end

local groups, is_grouped = {}, {}
for i = 1, #found do
  local name = found[i][2] and string.format('%.0f', (struct.unpack('<I8', found[i][2], 2)))
  if name and not is_grouped[name] then
    is_grouped[name] = true
    local group = call('GET', index .. 'group:' .. name)
    if group then
      groups[#groups + 1] = {name, group}
      for j = 1, (struct.unpack('<I4', group)) do add((struct.unpack('<I4', group, 4 * j + 5))) end
    end
  end
end

local told, is_told = {}, {}
for _, content in ipairs(found) do
  for family in string.gmatch(content[2] and string.sub(content[2], 10) or '', '%S+') do
    if not is_told[family] then
      is_told[family] = true
      local members = call('ZRANGE', families .. family .. ':articles', 0, -1)
      told[#told + 1] = {family, members, call('SMEMBERS', aliased .. family)}
    end
  end
end

local taken = {}
for i = 5, #ARGV do
  if call('EXISTS', families .. ARGV[i], aliases .. ARGV[i]) > 0 then taken[#taken + 1] = ARGV[i] end
end
local last = call('INCRBY', KEYS[5], ARGV[4])
return {found, groups, told, taken, last, {call('GET', KEYS[7]), call('HGETALL', KEYS[6])}}
