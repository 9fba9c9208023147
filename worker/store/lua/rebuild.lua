-- Makes a stream anew, as one atomic step: every entry under its own id, the last id and the consumer groups as they
-- were. Nobody can change an entry of a stream; and one that was deleted stays in the server's memory, and in each file
-- written from it, until those that came with it are deleted, too.
-- KEYS: the stream, and a name for the new one while it is made.
-- ARGV, four for each entry that is to change: its id, the field `articles` as it must be now, that field as it shall
-- be ('': the entry goes), the field `n_articles` as it shall be. Returns how many were as they must be.
local stream, fresh = KEYS[1], KEYS[2]
local together = 100

local function named(flat)
  local found = {}
  for i = 1, #flat, 2 do found[flat[i]] = flat[i + 1] end
  return found
end

if redis.call('EXISTS', stream) == 0 then return 0 end
local about = named(redis.call('XINFO', 'STREAM', stream))
local wanted, n_done = {}, 0
for i = 1, #ARGV, 4 do
  wanted[ARGV[i]] = {articles = ARGV[i + 1], told = {articles = ARGV[i + 2], n_articles = ARGV[i + 3]}}
end

local function add(id, fields)
  local change = wanted[id]
  if change and named(fields).articles == change.articles then
    n_done = n_done + 1
    if change.told.articles == '' then return end
    for i = 1, #fields, 2 do fields[i + 1] = change.told[fields[i]] or fields[i + 1] end
  end
  redis.call('XADD', fresh, id, unpack(fields))
end

redis.call('DEL', fresh)
redis.call('XGROUP', 'CREATE', fresh, 'making', '0', 'MKSTREAM')
local start = '-'
repeat
  local entries = redis.call('XRANGE', stream, start, '+', 'COUNT', together)
  for _, entry in ipairs(entries) do
    add(entry[1], entry[2])
    start = '(' .. entry[1]
  end
until #entries < together
redis.call('XGROUP', 'DESTROY', fresh, 'making')
redis.call('XSETID', fresh, about['last-generated-id'], 'ENTRIESADDED', about['entries-added'])

for _, flat in ipairs(redis.call('XINFO', 'GROUPS', stream)) do
  local group = named(flat)
  redis.call('XGROUP', 'CREATE', fresh, group['name'], group['last-delivered-id'])
  for _, held in ipairs(redis.call('XPENDING', stream, group['name'], '-', '+', group['pending'] + 1)) do
    redis.call(
      'XCLAIM', fresh, group['name'], held[2], 0, held[1], 'IDLE', held[3], 'RETRYCOUNT', held[4], 'FORCE', 'JUSTID')
  end
end
redis.call('RENAME', fresh, stream)
return n_done
