-- Looks up and inserts a batch of contents in the near-duplicate index, as one atomic step: of two workers with
-- one text the second always finds the first.
-- KEYS: the counter of content numbers, the prefix of the index, the prefix of article records.
-- ARGV[1] hashes of content hashes, ARGV[2] contents whose states share a hash, ARGV[3] band keys of an article, ARGV[4]
-- most entries in the bucket of one, ARGV[5] in that of an anchor; then seven strings for each article:
-- article id, its record shard, content hash (16 bytes), content (packed), terms (packed), text (packed, '' to keep none),
-- keys (8 bytes each, of which two, in hexadecimal, name the bucket's hash and the last six its field; those of bands
-- first, then those of anchors).
-- Returns {articles, others, server}: for each article {number, record, state of its content, candidate numbers
-- (packed u32)}; for each candidate that is no content of these articles {number, content, state}; and the id of this
-- run of the server.
-- What is new is written in few commands of many words: each command is a record in the append-only file.
local counter, index, records = KEYS[1], KEYS[2], KEYS[3]
local shards, per_hash = tonumber(ARGV[1]), tonumber(ARGV[2])
local n_bands, most_of_band, most_of_anchor = tonumber(ARGV[3]), tonumber(ARGV[4]), tonumber(ARGV[5])
local buckets, now = index .. 'bucket:', redis.call('TIME')[1]
-- A content that has no articles yet is in a group of its own, named as no other is.
local fresh_groups = 2 ^ 52

local function place(hash)
  return index .. 'hash:' .. (struct.unpack('<I2', hash) % shards)
end

local function states(number)
  return index .. 'state:' .. math.floor(number / per_hash)
end

-- Numbers for all contents, the unknown ones in order of arrival.
local number_of, new = {}, {}
for i = 6, #ARGV, 7 do
  local hash = ARGV[i + 2]
  if number_of[hash] == nil then
    local packed = redis.call('HGET', place(hash), hash)
    number_of[hash] = packed and (struct.unpack('<I4', packed))
    if not packed then new[#new + 1] = i end
  end
end

local state_of, is_own = {}, {}
if #new > 0 then
  local last = redis.call('INCRBY', counter, #new) - #new
  local contents, waiting, kept = {'MSET'}, {'ZADD', index .. 'waiting'}, {}
  for i, at in ipairs(new) do
    local number, hash = last + i, ARGV[at + 2]
    number_of[hash] = number
    state_of[number] = struct.pack('<BI8', 0, fresh_groups + number)
    redis.call('HSET', place(hash), hash, struct.pack('<I4', number))
    for _, word in ipairs({index .. 'content:' .. number, ARGV[at + 3], index .. 'terms:' .. number, ARGV[at + 4]}) do
      contents[#contents + 1] = word
    end
    if ARGV[at + 5] ~= '' then
      contents[#contents + 1] = index .. 'text:' .. number
      contents[#contents + 1] = ARGV[at + 5]
    end
    waiting[#waiting + 1] = now
    waiting[#waiting + 1] = number
    local key = states(number)
    if not kept[key] then kept[key] = {'HSET', key} end
    table.insert(kept[key], number)
    table.insert(kept[key], state_of[number])
  end
  redis.call(unpack(contents))
  redis.call(unpack(waiting))
  for _, command in pairs(kept) do redis.call(unpack(command)) end
end

local articles = {}
for i = 6, #ARGV, 7 do
  local number = number_of[ARGV[i + 2]]
  is_own[number] = true
  if state_of[number] == nil then state_of[number] = redis.call('HGET', states(number), number) end
  articles[#articles + 1] = {number, redis.call('HGET', records .. ARGV[i + 1], ARGV[i]), state_of[number], ''}
end

local hex = {}
for byte = 0, 255 do hex[byte] = string.format('%02x', byte) end

local others, is_known = {}, {}
local function look_up(number, keys)
  local me, found, seen = struct.pack('<I4', number), {}, {}
  for i = 1, #keys, 8 do
    local one, two = string.byte(keys, i, i + 1)
    local key, name = buckets .. hex[one] .. hex[two], string.sub(keys, i + 2, i + 7)
    if redis.call('HSETNX', key, name, me) == 0 then
      local bucket, mine = redis.call('HGET', key, name), false
      for j = 1, #bucket, 4 do
        local other = string.sub(bucket, j, j + 3)
        if other == me then
          mine = true
        elseif not seen[other] then
          seen[other] = true
          found[#found + 1] = other
          local known = struct.unpack('<I4', other)
          if not is_own[known] and not is_known[known] then
            is_known[known] = true
            others[#others + 1] = {
              known, redis.call('GET', index .. 'content:' .. known), redis.call('HGET', states(known), known)
            }
          end
        end
      end
      local most = i <= 8 * n_bands and most_of_band or most_of_anchor
      if not mine then redis.call('HSET', key, name, string.sub(bucket .. me, -4 * most)) end
    end
  end
  return table.concat(found)
end

for i, article in ipairs(articles) do
  local state = article[3]
  if not (state and string.byte(state, 1) == 1) then article[4] = look_up(article[1], ARGV[7 * i + 5]) end
end

return {articles, others, string.match(redis.call('INFO', 'server'), 'run_id:(%x+)')}
