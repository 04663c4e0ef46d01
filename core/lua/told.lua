-- People have been told of a task's version. ARGV: id, version. The outbox entry goes if that is still the last one.
-- Answers 1 where it went, 0 where something has changed since.
local p = KEYS[1]
local id = ARGV[1]
local version = redis.call('HGET', p .. ':task:' .. id, 'version')
if version and version ~= ARGV[2] then return 0 end
redis.call('ZREM', p .. ':outbox', id)
return 1
