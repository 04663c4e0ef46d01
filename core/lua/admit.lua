-- Move the next queued task to launching and give it a slot. ARGV: most runs in all, a project, a person (0: no limit),
-- seconds to the deadline, operation id, most US dollars a day for a project, a person (0: no limit).
-- The next is the oldest task of the project that has the fewest runs now. A slot reserves its task's budget: what was
-- spent today and what is reserved may never pass a day's limit together.
-- Answers its id, or 0 where nothing may start; also the id of a task, left in the queue, for which there is not money
-- enough whatever becomes of the runs, so that it has to be refused.
local p = KEYS[1]
local all, per_project, per_person = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local money = {project = tonumber(ARGV[6]), person = tonumber(ARGV[7])}
if redis.call('SCARD', p .. ':slots') >= all then return 0 end
local time = redis.call('TIME')
local now = time[1] + time[2] / 1000000
local today = math.floor(time[1] / 86400)

local reserved = {}
local function reserved_by(slots)
  if not reserved[slots] then
    local sum = 0
    for _, run in ipairs(redis.call('SMEMBERS', slots)) do
      sum = sum + tonumber(redis.call('HGET', p .. ':task:' .. run, 'budget_usd') or '0')
    end
    reserved[slots] = sum
  end
  return reserved[slots]
end
-- Whether there is money for it: 'yes', 'wait' for what others have reserved, 'no'.
local function afford(who, owner, budget)
  if money[who] == 0 then return 'yes' end
  local name = who .. ':' .. owner
  local wanted = tonumber(redis.call('GET', p .. ':spent:' .. name .. ':' .. today) or '0') + budget
  local most = money[who] + 0.000001
  if wanted > most then return 'no' end
  return wanted + reserved_by(p .. ':slots:' .. name) > most and 'wait' or 'yes'
end

local best, best_runs, runs, waits = nil, nil, {}, {}
for _, id in ipairs(redis.call('ZRANGE', p .. ':queue', 0, -1)) do
  local asked = redis.call('HMGET', p .. ':task:' .. id, 'project_id', 'requester_id', 'budget_usd')
  local project, person, budget = asked[1] or '0', asked[2] or '0', tonumber(asked[3] or '0')
  for who, owner in pairs({project = project, person = person}) do
    local answer = afford(who, owner, budget)
    if answer == 'no' then return tonumber(id) end
    -- Who waits for money is not overtaken by who wants less of the same.
    if answer == 'wait' then waits[who .. owner] = true end
  end
  if not runs[project] then runs[project] = redis.call('SCARD', p .. ':slots:project:' .. project) end
  local free = (per_project == 0 or runs[project] < per_project)
    and (per_person == 0 or redis.call('SCARD', p .. ':slots:person:' .. person) < per_person)
    and not waits['project' .. project] and not waits['person' .. person]
  if free and (best == nil or runs[project] < best_runs) then
    best, best_runs = {id, project, person}, runs[project]
    if best_runs == 0 then break end
  end
end
if best == nil then return 0 end
local id = best[1]
local key = p .. ':task:' .. id
redis.call('HSET', key, 'phase', 'launching', 'op', ARGV[5])
redis.call('HSETNX', key, 'at:launching', string.format('%.6f', now))
redis.call('HINCRBY', key, 'version', 1)
redis.call('SADD', p .. ':slots', id)
redis.call('SADD', p .. ':slots:project:' .. best[2], id)
redis.call('SADD', p .. ':slots:person:' .. best[3], id)
redis.call('ZREM', p .. ':queue', id)
redis.call('ZADD', p .. ':deadlines', now + ARGV[4], id)
redis.call('ZADD', p .. ':outbox', 'LT', now, id)
keep_lists(p, id)
return tonumber(id)
