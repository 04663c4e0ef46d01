-- Note that a part of a task's log is in the archive, and take it out of Redis. ARGV: task id, the id up to which the
-- archive had it before ('' for nothing), first and last id of the part, the least id behind it, how many lines it has,
-- the folder, seconds that a log is kept. Answers 1; 0 where another has noted something meanwhile: nothing is changed.
local key = KEYS[1] .. ':log:' .. ARGV[1]
local state = key .. ':state'
if (redis.call('HGET', state, 'archived') or '') ~= ARGV[2] then return 0 end
redis.call('HSET', state, 'archived', ARGV[4], 'folder', ARGV[7], 'part:' .. ARGV[3] .. '_' .. ARGV[4], ARGV[6])
redis.call('XTRIM', key, 'MINID', ARGV[5])
redis.call('EXPIRE', state, ARGV[8])
return 1
