-- Gives numbers to the contents of a batch and keeps what is new, as one atomic step: of two workers with one text the
-- second always finds the first.
-- KEYS: the counter of content numbers, the mark of its beginning, the prefix of the index, the prefix of article
-- records.
-- ARGV[1] hashes of content hashes, ARGV[2] contents whose states share a hash, ARGV[3] the last number that the caller
-- knows the contents up to, ARGV[4] the run of the server and ARGV[5] the beginning of the counter under which it does,
-- ARGV[6] most contents it may not know; then seven strings for each article:
-- article id, its record shard, content hash (16 bytes), content (packed), terms (packed), text (packed, '' to keep
-- none), numbers of contents it may be like (packed u32).
-- Returns '' where the caller knows another server's contents or too few; else {articles, others, last, server}: for
-- each article {number, record, state of its content}; for each content that one of them may be like, and each the
-- caller did not know, {number, content, state}; the last number before this call; and the id of this run of the server.
-- What is new is written in few commands of many words: each command is a record in the append-only file.
local counter, begun, index, records = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local shards, per_hash, known_to, most = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[6])
local first_word, per_article = 7, 7
-- A content that has no articles yet is in a group of its own, named as no other is.
local own_groups = 2 ^ 52
local call = redis.call

local server = string.match(call('INFO', 'server'), 'run_id:(%x+)')
local last = tonumber(call('GET', counter) or 0)
if server ~= ARGV[4] or (call('GET', begun) or '') ~= ARGV[5] or last < known_to or last > known_to + most then
  return ''
end

local function place(hash)
  return index .. 'hash:' .. (struct.unpack('<I2', hash) % shards)
end

local function states(number)
  return index .. 'state:' .. math.floor(number / per_hash)
end

-- Numbers for all contents, the unknown ones in order of arrival.
local number_of, new = {}, {}
for i = first_word, #ARGV, per_article do
  local hash = ARGV[i + 2]
  if number_of[hash] == nil then
    local packed = call('HGET', place(hash), hash)
    if packed then
      number_of[hash] = struct.unpack('<I4', packed)
    else
      new[#new + 1] = i
      number_of[hash] = last + #new
    end
  end
end

local state_of, is_own = {}, {}
if #new > 0 then
  if last == 0 then call('SET', begun, table.concat(call('TIME'), '.')) end
  call('INCRBY', counter, #new)
  local now = call('TIME')[1]
  local contents, waiting, kept = {'MSET'}, {'ZADD', index .. 'waiting'}, {}
  for _, i in ipairs(new) do
    local hash = ARGV[i + 2]
    local number = number_of[hash]
    call('HSET', place(hash), hash, struct.pack('<I4', number))
    contents[#contents + 1], contents[#contents + 2] = index .. 'content:' .. number, ARGV[i + 3]
    contents[#contents + 1], contents[#contents + 2] = index .. 'terms:' .. number, ARGV[i + 4]
    if ARGV[i + 5] ~= '' then
      contents[#contents + 1], contents[#contents + 2] = index .. 'text:' .. number, ARGV[i + 5]
    end
    state_of[number] = struct.pack('<BI8', 0, own_groups + number)
    waiting[#waiting + 1], waiting[#waiting + 2] = now, number
    local key = states(number)
    local fields = kept[key]
    if not fields then
      fields = {'HSET', key}
      kept[key] = fields
    end
    fields[#fields + 1], fields[#fields + 2] = number, state_of[number]
  end
  call(unpack(contents))
  call(unpack(waiting))
  for _, fields in pairs(kept) do call(unpack(fields)) end
end

local articles = {}
for i = first_word, #ARGV, per_article do
  local number = number_of[ARGV[i + 2]]
  is_own[number] = true
  if state_of[number] == nil then state_of[number] = call('HGET', states(number), number) end
  articles[#articles + 1] = {number, call('HGET', records .. ARGV[i + 1], ARGV[i]), state_of[number]}
end

local others, is_told = {}, {}
local function tell(number)
  if is_own[number] or is_told[number] then return end
  is_told[number] = true
  others[#others + 1] = {number, call('GET', index .. 'content:' .. number), call('HGET', states(number), number)}
end

for number = known_to + 1, last do tell(number) end
for i, article in ipairs(articles) do
  local state, candidates = article[3], ARGV[first_word + (i - 1) * per_article + 6]
  if not (state and string.byte(state, 1) == 1) then
    for j = 1, #candidates, 4 do tell((struct.unpack('<I4', candidates, j))) end
  end
end
return {articles, others, last, server}
