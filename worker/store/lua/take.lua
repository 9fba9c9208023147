-- Takes a batch from the inbox: first what another consumer has held for too long, then what is new.
-- KEYS[1] the inbox; ARGV: group, consumer, most entries, most bytes, idle milliseconds, deliveries after which
-- an entry is taken alone. Returns {id, fields, deliveries} for each entry.
local group, consumer = ARGV[1], ARGV[2]
local most, most_bytes = tonumber(ARGV[3]), tonumber(ARGV[4])
local idle, suspect = ARGV[5], tonumber(ARGV[6])
local taken, bytes = {}, 0

local function keep(entry, deliveries)
  taken[#taken + 1] = {entry[1], entry[2], deliveries}
  for i = 2, #entry[2], 2 do bytes = bytes + #entry[2][i] end
end

for _, held in ipairs(redis.call('XPENDING', KEYS[1], group, 'IDLE', idle, '-', '+', most)) do
  local deliveries = held[4] + 1
  if #taken == 0 or deliveries <= suspect then
    local claimed = redis.call('XCLAIM', KEYS[1], group, consumer, idle, held[1])
    if claimed[1] then
      keep(claimed[1], deliveries)
      if deliveries > suspect or bytes >= most_bytes then return taken end
    end
  end
end

-- Entries are read a few at a time, as many as fit if the rest are as large as the largest so far.
local count = 8
while #taken < most and bytes < most_bytes do
  local read = redis.call(
    'XREADGROUP', 'GROUP', group, consumer, 'COUNT', math.min(count, most - #taken), 'STREAMS', KEYS[1], '>')
  if not read then break end
  local largest = 1
  for _, entry in ipairs(read[1][2]) do
    local before = bytes
    keep(entry, 1)
    largest = math.max(largest, bytes - before)
  end
  count = math.max(1, math.min(count * 4, math.floor((most_bytes - bytes) / largest)))
end
return taken
