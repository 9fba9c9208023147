-- Applies units of commands, each only if its guards hold. ARGV[1] is the run of the server that the units were decided
-- on ('': any): another run may have lost the end of what that one told, and applies none of them. Each further
-- argument is one unit, in MessagePack: {guards, commands}, a guard being {command, expected reply or false (no
-- value)}, a command an array of strings.
-- Of a reply that is an array its length is compared.
-- Returns 1 or 0 for each unit: applied or not.
-- Three commands are this script's own: UNINDEX takes a content number out of buckets (number, then key and field
-- of each); HSETX is HSET of a key that exists, and nothing for one that does not; ZADDX (witness, key, score, member)
-- is ZADD where the witness exists.

local function unindex(args)
  local gone = args[2]
  for i = 3, #args, 2 do
    local bucket = redis.call('HGET', args[i], args[i + 1])
    if bucket then
      local kept = {}
      for j = 1, #bucket, 4 do
        local entry = string.sub(bucket, j, j + 3)
        if entry ~= gone then kept[#kept + 1] = entry end
      end
      if #kept == 0 then
        redis.call('HDEL', args[i], args[i + 1])
      else
        redis.call('HSET', args[i], args[i + 1], table.concat(kept))
      end
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
      if args[1] == 'UNINDEX' then
        unindex(args)
      elseif args[1] == 'HSETX' then
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
