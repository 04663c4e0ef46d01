-- Remember a trigger, once. ARGV: delivery id or '', trigger key, unique id, further fields as JSON or '', trigger as JSON,
-- seconds until intake is rung again, seconds that the delivery / the trigger is remembered, project id,
-- the item that it hangs on or '', how many of an item's tasks are listed.
-- Answers {1, id} for a new task, {0, id} for one that is known (id 0: the delivery is known, its task is gone).
local p = KEYS[1]
local delivery, trigger = ARGV[1], p .. ':trigger:' .. ARGV[2]
local known = redis.call('GET', trigger)
if delivery ~= '' and not redis.call('SET', p .. ':delivery:' .. delivery, '1', 'NX', 'EX', ARGV[7]) then
  return {0, tonumber(known or '0')}
end
if known then return {0, tonumber(known)} end
local time = redis.call('TIME')
local now = time[1] + time[2] / 1000000
local id = redis.call('INCR', p .. ':last')
count(p, 'received ' .. string.match(ARGV[2], '^[^:]+'))
redis.call('SET', trigger, id, 'EX', ARGV[8])
redis.call('HSET', p .. ':task:' .. id, 'id', id, 'phase', 'received', 'version', 1, 'created_at', string.format('%.6f', now),
  'at:received', string.format('%.6f', now), 'unique_id', ARGV[3],
  'trigger', ARGV[5], 'project_id', ARGV[9])
redis.call('ZADD', p .. ':deadlines', now + ARGV[6], id)
if ARGV[4] ~= '' then
  for name, value in pairs(cjson.decode(ARGV[4])) do redis.call('HSET', p .. ':task:' .. id, name, value) end
end
keep_lists(p, id)
if ARGV[10] ~= '' then
  local item = p .. ':item:' .. ARGV[10]
  redis.call('ZADD', item, id, id)
  redis.call('ZREMRANGEBYRANK', item, 0, -1 - ARGV[11])
  redis.call('EXPIRE', item, ARGV[8])
end
return {1, id}
