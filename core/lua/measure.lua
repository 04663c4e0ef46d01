-- What there is at this moment, for the metrics, as JSON. Reads the tasks that hold a slot, and of all others none.
local p = KEYS[1]
local time = redis.call('TIME')
local now = time[1] + time[2] / 1000000

local function age(key)
  local oldest = redis.call('ZRANGE', key, 0, 0, 'WITHSCORES')[2]
  return oldest and math.max(0, now - oldest) or 0
end

local phases, slots = {}, redis.call('SMEMBERS', p .. ':slots')
for _, id in ipairs(slots) do
  local phase = redis.call('HGET', p .. ':task:' .. id, 'phase')
  if phase then phases[phase] = (phases[phase] or 0) + 1 end
end
phases.queued = redis.call('ZCARD', p .. ':queue')
-- Whatever is not final has a deadline, and holds a slot unless it is received or queued.
phases.received = math.max(0, redis.call('ZCARD', p .. ':deadlines') - phases.queued - #slots)
return cjson.encode({
  now = now, phases = phases, stored = redis.call('ZCARD', p .. ':tasks'),
  queue_age = age(p .. ':queue'),
  overdue = redis.call('ZCOUNT', p .. ':deadlines', '-inf', now), lag = age(p .. ':deadlines'),
  untold = redis.call('ZCOUNT', p .. ':outbox', '-inf', now), untold_age = age(p .. ':outbox'),
  leaders = redis.call('EXISTS', p .. ':lease'), terms = tonumber(redis.call('GET', p .. ':fence') or '0'),
})
