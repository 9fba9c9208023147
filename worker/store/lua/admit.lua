-- Looks up and inserts a batch of contents in the near-duplicate index, as one atomic step: of two workers with
-- one text the second always finds the first.
-- KEYS: the counter of content numbers, the prefix of the index, the prefix of article records.
-- ARGV[1] shards of records, ARGV[2] shards of buckets, ARGV[3] most entries in a bucket; then six strings for
-- each article: article id, its record shard, content hash (16 bytes), content (packed), terms (packed),
-- band keys (8 bytes each, little endian).
-- Returns {articles, contents, server}: for each article {number, record, candidate numbers (packed u32)}; for each
-- content concerned {number, content, state}; and the id of this run of the server.
local counter, index, records = KEYS[1], KEYS[2], KEYS[3]
local shards, bucket_shards, most = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local articles, contents, known = {}, {}, {}
local now = redis.call('TIME')[1]
-- A content that has no articles yet is in a group of its own, named as no other is.
local fresh_groups = 2 ^ 52

local function state_of(number)
  return redis.call('HGET', index .. 'state:' .. (number % shards), number)
end

local function concern(number)
  if not known[number] then
    known[number] = true
    contents[#contents + 1] = number
  end
end

local function place(hash)
  return index .. 'hash:' .. (struct.unpack('<I4', hash) % shards)
end

local function number_of(hash, content, terms)
  local packed = redis.call('HGET', place(hash), hash)
  if packed then return (struct.unpack('<I4', packed)) end
  local number = redis.call('INCR', counter)
  redis.call('HSET', place(hash), hash, struct.pack('<I4', number))
  redis.call('SET', index .. 'content:' .. number, content)
  redis.call('SET', index .. 'terms:' .. number, terms)
  redis.call('HSET', index .. 'state:' .. (number % shards), number, struct.pack('<BI8', 0, fresh_groups + number))
  redis.call('ZADD', index .. 'waiting', now, number)
  return number
end

local function look_up(number, bands)
  local me, found, seen = struct.pack('<I4', number), {}, {}
  for i = 1, #bands, 8 do
    local low = struct.unpack('<I4', bands, i)
    local key = index .. 'bucket:' .. (low % bucket_shards)
    local name = string.sub(bands, i + 2, i + 7)
    if redis.call('HSETNX', key, name, me) == 0 then
      local bucket, mine = redis.call('HGET', key, name), false
      for j = 1, #bucket, 4 do
        local other = string.sub(bucket, j, j + 3)
        if other == me then
          mine = true
        elseif not seen[other] then
          seen[other] = true
          found[#found + 1] = other
          concern((struct.unpack('<I4', other)))
        end
      end
      if not mine then redis.call('HSET', key, name, string.sub(bucket .. me, -4 * most)) end
    end
  end
  return table.concat(found)
end

for i = 4, #ARGV, 6 do
  local number = number_of(ARGV[i + 2], ARGV[i + 3], ARGV[i + 4])
  local state = state_of(number)
  local candidates = ''
  if not (state and string.byte(state, 1) == 1) then candidates = look_up(number, ARGV[i + 5]) end
  concern(number)
  articles[#articles + 1] = {
    number, redis.call('HGET', records .. ARGV[i + 1], ARGV[i]), candidates
  }
end

local described = {}
for i, number in ipairs(contents) do
  described[i] = {number, redis.call('GET', index .. 'content:' .. number), state_of(number)}
end
return {articles, described, string.match(redis.call('INFO', 'server'), 'run_id:(%x+)')}
