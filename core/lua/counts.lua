-- Before every other script, behind lists.lua. What is counted over time: for the metrics one hash of counts (core/counts.py),
-- for the outcomes one hash for each day (core/outcomes.py). Words in a name are ours alone, so that there are few.
local KEPT_SECONDS = 100 * 86400

local function count(p, name) redis.call('HINCRBY', p .. ':counts', name, 1) end

local function observe(p, name, seconds)
  seconds = math.max(0, seconds)
  local fits = 'over'
  for at = #BUCKETS[name], 1, -1 do
    if seconds <= BUCKETS[name][at] then fits = string.format('%g', BUCKETS[name][at]) end
  end
  count(p, name .. ' ' .. fits)
  redis.call('HINCRBYFLOAT', p .. ':counts', name .. ' sum', string.format('%.3f', seconds))
end

local function add_to_day(p, day, project, what, amount)
  local key = p .. ':outcomes:' .. day
  redis.call('HINCRBYFLOAT', key, project .. ' ' .. what, amount)
  redis.call('EXPIRE', key, KEPT_SECONDS)
end

-- Who has a name of its own in the metrics keeps it: a sum that a project moved out of would go down.
local function count_cost(p, now, project, usd)
  local costs = p .. ':costs'
  local has_name = redis.call('HEXISTS', costs, project) == 1 or redis.call('HLEN', costs) < MOST_PAYERS
  redis.call('HINCRBYFLOAT', costs, has_name and project or 'other', usd)
  add_to_day(p, math.floor(now / 86400), project, 'usd', usd)
end

-- Before a task's fields change: how long people waited for what they tell of.
local function count_times(p, id, phase, given)
  local key = p .. ':task:' .. id
  if given.repository then redis.call('HSET', p .. ':paths', redis.call('HGET', key, 'project_id') or '0', given.repository) end
  if not given.reacted_at and not given.started_at then return end
  local task = redis.call('HMGET', key, 'created_at', 'attempt', 'started_at')
  if given.reacted_at and phase == 'received' then observe(p, 'reaction', given.reacted_at - task[1]) end
  local is_first = (task[2] or '1') == '1' and tonumber(task[3] or '0') == 0
  if given.started_at and is_first then observe(p, 'start', given.started_at - task[1]) end
end

-- A merge request of ours is there: once, however many tasks work on it. Of others' we count none.
local function count_merge_request(p, project, iid, now, seconds)
  local key = p .. ':merge-request:' .. project .. ':' .. iid
  if redis.call('EXISTS', key) == 1 then return end
  local day = math.floor(now / 86400)
  redis.call('HSET', key, 'state', 'opened', 'day', day, 'seen', 0)
  redis.call('EXPIRE', key, KEPT_SECONDS)
  count(p, 'merge_requests opened')
  observe(p, 'merge_request', seconds)
  add_to_day(p, day, project, 'opened', 1)
  -- Ten per cent from one to the next: enough for a median.
  add_to_day(p, day, project, 'after:' .. math.floor(math.log(math.max(1, seconds)) / math.log(1.1)), 1)
end

-- A task has ended, and its hash says how.
local function count_end(p, id, now)
  local task = redis.call('HMGET', p .. ':task:' .. id, 'phase', 'reason', 'verb', 'project_id', 'trigger',
    'merge_request_iid', 'created_at')
  local phase, reason, project = task[1], task[2] or '', task[4] or '0'
  count(p, 'ended ' .. phase .. ' ' .. (reason == '' and 'none' or reason))
  if UNLISTED[reason] or task[3] == 'cancel' then return end
  add_to_day(p, math.floor(now / 86400), project, phase, 1)
  if phase == 'failed' then add_to_day(p, math.floor(now / 86400), project, 'failed:' .. reason, 1) end
  if phase == 'completed' and (task[6] or '0') ~= '0' and cjson.decode(task[5])['place'] ~= 'merge_requests' then
    count_merge_request(p, project, task[6], now, now - task[7])
  end
end
