-- One field of each of many hashes, in one call. ARGV: the key of a hash and the name of a field, in turns. Returns the
-- values, false for those that are not there.
local found = {}
for i = 1, #ARGV, 2 do found[#found + 1] = redis.call('HGET', ARGV[i], ARGV[i + 1]) end
return found
