-- Appends payloads to the inbox as far as it has room.
-- KEYS[1] the inbox; ARGV[1] how many may wait; ARGV[2..] payloads. Returns how many were appended, and the id of this
-- run of the server.
local room = tonumber(ARGV[1]) - redis.call('XLEN', KEYS[1])
local n = math.max(0, math.min(#ARGV - 1, room))
for i = 2, n + 1 do
  redis.call('XADD', KEYS[1], '*', 'json', ARGV[i])
end
return {n, string.match(redis.call('INFO', 'server'), 'run_id:(%x+)')}
