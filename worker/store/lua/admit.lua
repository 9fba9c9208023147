-- Gives numbers to the contents of a batch and keeps what is new, as one atomic step: of two workers with one text the
-- second always finds the first. An article that is like nothing founds its family in the same step. A batch may come in
-- parts, a call each: a later one is refused if anybody else has admitted anything since the part before.
-- KEYS: the counter of content numbers, the mark of its beginning, what the keys of the index, of article records, of
-- articles, of their metadata, of families and of aliases begin with, all articles, all families, news, the inbox, the
-- batch of which anything new was admitted last.
-- ARGV[1] hashes of content hashes, ARGV[2] contents whose states share a hash, ARGV[3] the last number that the caller
-- knows the contents up to, ARGV[4] the run of the server and ARGV[5] the beginning of the counter under which it does,
-- ARGV[6] most contents it may not know, ARGV[7] the consumer group of the inbox, ARGV[8] a name for the batch, that no
-- other has had, ARGV[9] 'later' where this is not its first part; then eight strings for each article: article id,
-- its record shard, content hash (16 bytes), content (packed), terms (packed), text (packed, '' to keep none), what is
-- written if it founds a family (MessagePack: its inbox entry, the id of the family, its record without the number of
-- its content, its arrival as a score, published_at, seen_at, title, url, source, language, warnings), and 'alone'
-- where it may found one, else the numbers of the contents it may be like (packed u32).
-- Returns '' where the caller knows another server's contents or too few; else {articles, others, last, server}: for
-- each article its number where it has founded its family, {number, record, whether its content has had articles} where
-- not; each content that one of the latter may be like, and each the caller did not know, that is there, in turns with
-- its number; the last number before this call; and the id of this run of the server.
-- An article founds only where the caller knew all contents, its content is new, it was never seen, the id is free and
-- the entry still there.
-- What is new is written in few commands of many words: each command is a record in the append-only file.
local counter, begun, index, records = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local article, meta, family, alias = KEYS[5], KEYS[6], KEYS[7], KEYS[8]
local seen, families, news, inbox, latest = KEYS[9], KEYS[10], KEYS[11], KEYS[12], KEYS[13]
local shards, per_hash, known_to, most = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[6])
local batch, is_later, first_word, per_article = ARGV[8], ARGV[9] == 'later', 10, 8
-- A content that has no articles yet is in a group of its own, named as no other is.
local own_groups = 2 ^ 52
local call, pack = redis.call, struct.pack

local server = string.match(call('INFO', 'server'), 'run_id:(%x+)')
local last = tonumber(call('GET', counter) or 0)
if server ~= ARGV[4] then return '' end
if is_later and call('GET', latest) == batch then
  known_to = last
elseif (call('GET', begun) or '') ~= ARGV[5] or last < known_to or last > known_to + most then
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
    local key, number = place(hash), last + #new + 1
    if call('HSETNX', key, hash, pack('<I4', number)) == 1 then
      new[#new + 1] = i
      number_of[hash] = number
    else
      number_of[hash] = struct.unpack('<I4', call('HGET', key, hash))
    end
  end
end

-- What an article writes that founds a family, with its record written; nil where it founds none.
local function founding(i, number)
  if ARGV[i + 7] ~= 'alone' or last ~= known_to then return nil end
  local id, key, told = ARGV[i], records .. ARGV[i + 1], cmsgpack.unpack(ARGV[i + 6])
  local entry, name, record = told[1], told[2], told[3]
  if call('EXISTS', family .. name, alias .. name) > 0 then return nil end
  if call('HSETNX', key, id, pack('<I4', number) .. record) == 0 then return nil end
  if call('XDEL', inbox, entry) == 1 then return told end
  call('HDEL', key, id)
end

local has_founded, state_of = {}, {}
if #new > 0 then
  if last == 0 then call('SET', begun, table.concat(call('TIME'), '.')) end
  call('INCRBY', counter, #new)
  call('SET', latest, last == known_to and batch or '')
  local now = call('TIME')[1]
  local contents, waiting, kept = {'MSET'}, {'ZADD', index .. 'waiting'}, {}
  local arrived, founded = {'ZADD', seen}, {'ZADD', families}
  local told, done = {'XADD', news, '*'}, {'XACK', inbox, ARGV[7]}
  for k, i in ipairs(new) do
    local number, n = last + k, #contents
    contents[n + 1], contents[n + 2] = index .. 'content:' .. number, ARGV[i + 3]
    contents[n + 3], contents[n + 4] = index .. 'terms:' .. number, ARGV[i + 4]
    if ARGV[i + 5] ~= '' then contents[n + 5], contents[n + 6] = index .. 'text:' .. number, ARGV[i + 5] end
    local own, state = founding(i, number)
    if own then
      local id, entry, name, score = ARGV[i], own[1], own[2], own[4]
      has_founded[i] = true
      state = pack('<BI8', 1, own_groups + number) .. name
      call('HSET', family .. name, 'representative', id, 'n_articles', '1', 'story', '')
      call('ZADD', family .. name .. ':articles', score, id)
      call(
        'HSET', article .. id, 'family', name, 'kind', 'new', 'representative', id, 'story', '', 'storyline', '',
        'status', 'admitted', 'published_at', own[5], 'seen_at', own[6], 'revision', '0')
      call(
        'HSET', meta .. id, 'title', own[7], 'url', own[8], 'source', own[9], 'language', own[10],
        'warnings', own[11])
      n = #founded
      arrived[n + 1], arrived[n + 2], founded[n + 1], founded[n + 2] = score, id, score, name
      told[n + 2], told[n + 3], done[n / 2 + 3] = name, '', entry
    else
      state = pack('<BI8', 0, own_groups + number)
      waiting[#waiting + 1], waiting[#waiting + 2] = now, number
    end
    state_of[number] = state
    local key = states(number)
    local fields = kept[key]
    if not fields then
      fields = {'HSET', key}
      kept[key] = fields
    end
    fields[#fields + 1], fields[#fields + 2] = number, state
  end
  call(unpack(contents))
  for _, fields in pairs(kept) do call(unpack(fields)) end
  if #waiting > 2 then call(unpack(waiting)) end
  if #founded > 2 then
    call(unpack(arrived))
    call(unpack(founded))
    call(unpack(told))
    call(unpack(done))
  end
end

local articles, is_own = {}, {}
for i = first_word, #ARGV, per_article do
  local number = number_of[ARGV[i + 2]]
  is_own[number] = true
  if has_founded[i] then
    articles[#articles + 1] = number
  else
    if state_of[number] == nil then state_of[number] = call('HGET', states(number), number) end
    local has_articles = string.byte(state_of[number] or '', 1) == 1 and 1 or 0
    articles[#articles + 1] = {number, call('HGET', records .. ARGV[i + 1], ARGV[i]), has_articles}
  end
end

local others, is_told = {}, {}
local function tell(number)
  if is_own[number] or is_told[number] then return end
  is_told[number] = true
  local content = call('GET', index .. 'content:' .. number)
  if content then
    others[#others + 1] = number
    others[#others + 1] = content
  end
end

for number = known_to + 1, last do tell(number) end
for k, told in ipairs(articles) do
  if type(told) == 'table' and told[3] == 0 then
    local candidates = ARGV[first_word + (k - 1) * per_article + 7]
    if candidates ~= 'alone' then
      for j = 1, #candidates, 4 do tell((struct.unpack('<I4', candidates, j))) end
    end
  end
end
return {articles, others, last, server}
