-- Takes over what other consumers have held for too long.
-- KEYS[1] the inbox; ARGV: group, consumer, most entries, most bytes, idle milliseconds, deliveries after which an entry
-- is taken alone. Returns {id, fields, deliveries} for each entry.
-- New entries are not read here: on their way through a script they cost the server three times as much.
local group, consumer = ARGV[1], ARGV[2]
local most, most_bytes = tonumber(ARGV[3]), tonumber(ARGV[4])
local idle, suspect = ARGV[5], tonumber(ARGV[6])
local taken, bytes = {}, 0

for _, held in ipairs(redis.call('XPENDING', KEYS[1], group, 'IDLE', idle, '-', '+', most)) do
  local deliveries = held[4] + 1
  if #taken == 0 or deliveries <= suspect then
    local claimed = redis.call('XCLAIM', KEYS[1], group, consumer, idle, held[1])[1]
    if claimed then
      taken[#taken + 1] = {claimed[1], claimed[2], deliveries}
      for i = 2, #claimed[2], 2 do bytes = bytes + #claimed[2][i] end
      if deliveries > suspect or bytes >= most_bytes then break end
    end
  end
end
return taken
