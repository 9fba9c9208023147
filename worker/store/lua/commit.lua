-- Applies units of commands, each only if its guards hold. ARGV[1] is the run of the server that the units were decided
-- on ('': any): another run may have lost the end of what that one told, and applies none of them. ARGV[2] has the
-- beginnings of commands that units gather words for, an array of strings each; each further argument is one unit. All of
-- these are MessagePack.
-- A unit is one flat array, for tables within it are what takes long to unpack: the number of its guards, and of each the
-- number of its words, the reply that is expected or false (no value), and its words; the number of its commands, and of
-- each the number of its words and its words; then, of what it gathers, the place of a beginning, the number of words,
-- and the words. Gathered commands are carried out at the end, once for all units: each is a record in the append-only
-- file.
-- Of a reply that is an array its length is compared.
-- Returns 1 or 0 for each unit: applied or not.
-- One command is this script's own: IFSCORED (index, member, score, command) is that command where the sorted set has the
-- member with this score, and nothing elsewhere.
local most_words = 2000
local call = redis.call

local heads = cmsgpack.unpack(ARGV[2])
local words_of = {}

local function carry_out_gathered()
  for k, head in ipairs(heads) do
    local words, n_head = words_of[k] or {}, #head
    for start = 1, #words, most_words do
      local command = {unpack(head)}
      for i = start, math.min(#words, start + most_words - 1) do command[n_head + i - start + 1] = words[i] end
      call(unpack(command))
    end
  end
end

-- Whether all guards hold, and where in the unit the commands begin.
local function hold(unit)
  local at = 2
  for _ = 1, unit[1] do
    local n, expected = unit[at], unit[at + 1]
    local value = call(unpack(unit, at + 2, at + 1 + n))
    if type(value) == 'table' then value = #value end
    if expected then
      if not value or (value ~= expected and tostring(value) ~= expected) then return false end
    elseif value then
      return false
    end
    at = at + 2 + n
  end
  return true, at
end

local function apply(unit, at)
  local n_commands = unit[at]
  at = at + 1
  for _ = 1, n_commands do
    local n = unit[at]
    if unit[at + 1] == 'IFSCORED' then
      local score = call('ZSCORE', unit[at + 2], unit[at + 3])
      if score and tonumber(score) == tonumber(unit[at + 4]) then call(unpack(unit, at + 5, at + n)) end
    else
      call(unpack(unit, at + 1, at + n))
    end
    at = at + 1 + n
  end
  while unit[at] do
    local head, last = unit[at], at + 1 + unit[at + 1]
    local all = words_of[head]
    if not all then
      all = {}
      words_of[head] = all
    end
    local n = #all
    for i = at + 2, last do
      n = n + 1
      all[n] = unit[i]
    end
    at = last + 1
  end
end

local server = ARGV[1]
local same = server == '' or string.find(call('INFO', 'server'), 'run_id:' .. server, 1, true)

local applied = {}
for i = 3, #ARGV do
  applied[i - 2] = 0
  if same then
    local unit = cmsgpack.unpack(ARGV[i])
    local holds, at = hold(unit)
    if holds then
      apply(unit, at)
      applied[i - 2] = 1
    end
  end
end
carry_out_gathered()
return applied
