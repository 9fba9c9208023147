-- Gives numbers to the contents of a batch, keeps what is new, and founds the families of articles that are like no
-- other, as one atomic step: of two workers with one text the second always finds the first.
-- KEYS: the counter of content numbers, the mark of its beginning, the prefix of the index, the prefix of article
-- records, the inbox, all articles by arrival, all families by arrival, the news.
-- ARGV[1] hashes of content hashes, ARGV[2] contents whose states share a hash, ARGV[3] the last number that the caller
-- knows the contents up to, ARGV[4] the run of the server and ARGV[5] the beginning of the counter under which it does,
-- ARGV[6] most contents it may not know, ARGV[7] the inbox's group; then eight strings for each article:
-- article id, its record shard, content hash (16 bytes), content (packed), terms (packed), text (packed, '' to keep
-- none), numbers of contents it may be like (packed u32), and '' or how it founds a family, in MessagePack:
-- {inbox entry, score of its arrival, family, key of that family, key of its alias, record but for the content's
-- number, commands}.
-- Returns '' where the caller knows another server's contents or too few; else {articles, others, last, server}: for
-- each article {number, record, state of its content, 1 if it has founded its family}; for each content that one of
-- them may be like, and each the caller did not know, {number, content, state}; the last number before this call;
-- and the id of this run of the server.
-- What is new is written in few commands of many words: each command is a record in the append-only file.
local counter, begun, index, records = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local inbox, seen, families, news = KEYS[5], KEYS[6], KEYS[7], KEYS[8]
local shards, per_hash, known_to, most = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[6])
local first_word, per_article = 8, 8
-- A content that has no articles yet, or is like no other, is in a group of its own, named as no other is.
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

-- Founds the family of an article if nothing stands against it; what is common to many is written at the end.
local founded, acknowledged = {}, {'XACK', inbox, ARGV[7]}
local arrived, named, told = {'ZADD', seen}, {'ZADD', families}, {'XADD', news, '*'}
local function found(i, number)
  local entry, score, family, key, alias, record, commands = unpack(cmsgpack.unpack(ARGV[i + 7]))
  if call('EXISTS', key, alias) > 0 or call('XDEL', inbox, entry) == 0 then return nil end
  founded[i] = 1
  call('HSET', records .. ARGV[i + 1], ARGV[i], struct.pack('<I4', number) .. record)
  for _, command in ipairs(commands) do call(unpack(command)) end
  acknowledged[#acknowledged + 1] = entry
  arrived[#arrived + 1], arrived[#arrived + 2] = score, ARGV[i]
  named[#named + 1], named[#named + 2] = score, family
  told[#told + 1], told[#told + 2] = family, ''
  return struct.pack('<BI8', 1, own_groups + number) .. family
end

local record_of = {}
for i = first_word, #ARGV, per_article do
  record_of[i] = call('HGET', records .. ARGV[i + 1], ARGV[i])
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
    if ARGV[i + 7] ~= '' and last == known_to and not record_of[i] then state_of[number] = found(i, number) end
    if not state_of[number] then
      state_of[number] = struct.pack('<BI8', 0, own_groups + number)
      waiting[#waiting + 1], waiting[#waiting + 2] = now, number
    end
    local key = states(number)
    local fields = kept[key]
    if not fields then
      fields = {'HSET', key}
      kept[key] = fields
    end
    fields[#fields + 1], fields[#fields + 2] = number, state_of[number]
  end
  call(unpack(contents))
  if #waiting > 2 then call(unpack(waiting)) end
  for _, fields in pairs(kept) do call(unpack(fields)) end
  if #acknowledged > 3 then
    for _, command in ipairs({acknowledged, arrived, named, told}) do call(unpack(command)) end
  end
end

local articles = {}
for i = first_word, #ARGV, per_article do
  local number = number_of[ARGV[i + 2]]
  is_own[number] = true
  if state_of[number] == nil then state_of[number] = call('HGET', states(number), number) end
  articles[#articles + 1] = {number, record_of[i], state_of[number], founded[i] or 0}
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
