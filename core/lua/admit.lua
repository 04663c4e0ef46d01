-- Move the next queued task to launching and give it a slot. ARGV: most runs in all, a project, a person (0: no limit),
-- seconds to the deadline, operation id. The next is the oldest task of the project that has the fewest runs now.
-- Answers the id, or 0 where nothing may start.
local p = KEYS[1]
local all, per_project, per_person = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
if redis.call('SCARD', p .. ':slots') >= all then return 0 end
local best, best_runs, runs = nil, nil, {}
for _, id in ipairs(redis.call('ZRANGE', p .. ':queue', 0, -1)) do
  local asked = redis.call('HMGET', p .. ':task:' .. id, 'project_id', 'requester_id')
  local project, person = asked[1] or '0', asked[2] or '0'
  if not runs[project] then runs[project] = redis.call('SCARD', p .. ':slots:project:' .. project) end
  local free = (per_project == 0 or runs[project] < per_project)
    and (per_person == 0 or redis.call('SCARD', p .. ':slots:person:' .. person) < per_person)
  if free and (best == nil or runs[project] < best_runs) then
    best, best_runs = {id, project, person}, runs[project]
    if best_runs == 0 then break end
  end
end
if best == nil then return 0 end
local id = best[1]
local key = p .. ':task:' .. id
local time = redis.call('TIME')
local now = time[1] + time[2] / 1000000
redis.call('HSET', key, 'phase', 'launching', 'op', ARGV[5])
redis.call('HSETNX', key, 'at:launching', string.format('%.6f', now))
redis.call('HINCRBY', key, 'version', 1)
redis.call('SADD', p .. ':slots', id)
redis.call('SADD', p .. ':slots:project:' .. best[2], id)
redis.call('SADD', p .. ':slots:person:' .. best[3], id)
redis.call('ZREM', p .. ':queue', id)
redis.call('ZADD', p .. ':deadlines', now + ARGV[4], id)
redis.call('ZADD', p .. ':outbox', 'LT', now, id)
return tonumber(id)
