-- Applies units of commands, each only if its guards hold. ARGV[1] is the run of the server that the units were decided
-- on ('': any): another run may have lost the end of what that one told, and applies none of them. Each further
-- argument is one unit, in MessagePack: {guards, commands}, a guard being {command, expected reply or false (no
-- value)}, a command an array of strings.
-- Of a reply that is an array its length is compared.
-- Returns 1 or 0 for each unit: applied or not.
-- Two commands are this script's own: HSETX is HSET of a key that exists, and nothing for one that does not; ZADDX
-- (witness, key, score, member) is ZADD where the witness exists.

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
      if args[1] == 'HSETX' then
        if redis.call('EXISTS', args[2]) == 1 then redis.call('HSET', unpack(args, 2)) end
      elseif args[1] == 'ZADDX' then
        if redis.call('EXISTS', args[2]) == 1 then redis.call('ZADD', unpack(args, 3)) end
      else
        redis.call(unpack(args))
      end
    end
    applied[i] = 1
  end
end
return applied
