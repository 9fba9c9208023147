-- Applies units of commands, each only if its guards hold. ARGV[1] is the run of the server that the units were decided
-- on ('': any): another run may have lost the end of what that one told, and applies none of them. Each further
-- argument is one unit, in MessagePack: {guards, commands, gathered}, a guard being {command, expected reply or false (no
-- value)}, a command an array of strings, and gathered {the beginning of a command, words} for commands of any number of
-- words, which are carried out at the end, once for all units: each is a record in the append-only file.
-- Of a reply that is an array its length is compared.
-- Returns 1 or 0 for each unit: applied or not.
-- One command is this script's own: IFSCORED (index, member, score, command) is that command where the sorted set has the
-- member with this score, and nothing elsewhere.
local most_words = 2000

local heads, words_of = {}, {}
local function gather(head, words)
  local name = table.concat(head, '\n')
  local all = words_of[name]
  if not all then
    all = {}
    words_of[name] = all
    heads[#heads + 1] = {name, head}
  end
  for _, word in ipairs(words) do all[#all + 1] = word end
end

local function carry_out_gathered()
  for _, named in ipairs(heads) do
    local words, n_head = words_of[named[1]], #named[2]
    for start = 1, #words, most_words do
      local command = {unpack(named[2])}
      for i = start, math.min(#words, start + most_words - 1) do command[n_head + i - start + 1] = words[i] end
      redis.call(unpack(command))
    end
  end
end

local function hold(guards)
  for _, guard in ipairs(guards) do
    local value, expected = redis.call(unpack(guard[1])), guard[2]
    if type(value) == 'table' then value = #value end
    if expected then
      if not value or tostring(value) ~= expected then return false end
    elseif value then
      return false
    end
  end
  return true
end

local server = ARGV[1]
local same = server == '' or string.find(redis.call('INFO', 'server'), 'run_id:' .. server, 1, true)

local applied = {}
for i = 1, #ARGV - 1 do
  local unit = cmsgpack.unpack(ARGV[i + 1])
  applied[i] = 0
  if same and hold(unit[1]) then
    for _, args in ipairs(unit[2]) do
      if args[1] == 'IFSCORED' then
        local score = redis.call('ZSCORE', args[2], args[3])
        if score and tonumber(score) == tonumber(args[4]) then redis.call(unpack(args, 5)) end
      else
        redis.call(unpack(args))
      end
    end
    for _, one in ipairs(unit[3]) do gather(one[1], one[2]) end
    applied[i] = 1
  end
end
carry_out_gathered()
return applied
