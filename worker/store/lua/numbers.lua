-- How far the numbers of contents have come. KEYS: their counter, the mark of its beginning. Returns the id of this run of
-- the server, the last number, the beginning.
local server = string.match(redis.call('INFO', 'server'), 'run_id:(%x+)')
return {server, tonumber(redis.call('GET', KEYS[1]) or 0), redis.call('GET', KEYS[2]) or ''}
