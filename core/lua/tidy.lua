-- Take the ids of tasks that are gone off the old end of a list. KEYS: prefix, list. ARGV: how many to look at.
-- Answers how many went.
local p, list = KEYS[1], KEYS[2]
local gone = 0
for _, id in ipairs(redis.call('ZRANGE', list, 0, ARGV[1] - 1)) do
  if redis.call('EXISTS', p .. ':task:' .. id) == 0 then gone = gone + redis.call('ZREM', list, id) end
end
return gone
