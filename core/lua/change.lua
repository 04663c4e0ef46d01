-- The one compare-and-set of a task. ARGV: id, expected phases (comma-separated), new phase or '' (stay),
-- seconds to the deadline (0: none of its own), fields as JSON of strings, seconds until people are told or '' (not),
-- operation id, fencing number (0: none), seconds that a final task is kept, the item that it hangs on or '', 1 where
-- that does not list it any more, seconds that an item's list is kept.
-- Answers {1, phase} done (or done before by this very operation), {0, phase} not expected, {-1, phase} fenced off.
local p = KEYS[1]
local id, to, op = ARGV[1], ARGV[3], ARGV[7]
local key = p .. ':task:' .. id

-- What a run has cost: what its agent told, else what was seen on the way, else, if the agent began, all that it might
-- have spent: a run that was killed tells nothing, and a day's limit must hold all the same.
local function cost()
  local asked = redis.call('HMGET', key, 'cost_told', 'cost_usd', 'progress', 'budget_usd', 'at:working')
  if asked[1] == 'True' then return tonumber(asked[2] or '0') end
  local seen = asked[3] and cjson.decode(asked[3])['cost_usd'] or 0
  seen = math.max(tonumber(asked[2] or '0'), seen)
  if seen > 0 or not asked[5] then return seen end
  return tonumber(asked[4] or '0')
end
-- Give back the slot, and with it what it reserved; what the run has cost counts for today.
local function free(now, spent)
  if redis.call('SREM', p .. ':slots', id) == 0 then return end
  if spent > 0 then count_cost(p, now, redis.call('HGET', key, 'project_id') or '0', spent) end
  redis.call('HINCRBYFLOAT', key, 'charged_usd', spent)
  for who, field in pairs({project = 'project_id', person = 'requester_id'}) do
    local owner = redis.call('HGET', key, field) or '0'
    redis.call('SREM', p .. ':slots:' .. who .. ':' .. owner, id)
    local day = p .. ':spent:' .. who .. ':' .. owner .. ':' .. math.floor(now / 86400)
    if spent > 0 then
      redis.call('INCRBYFLOAT', day, spent)
      redis.call('EXPIRE', day, 2 * 86400)
    end
  end
end

local phase = redis.call('HGET', key, 'phase')
if not phase then return {0, ''} end
if redis.call('HGET', key, 'op') == op then return {1, phase} end
local expected = false
for name in string.gmatch(ARGV[2], '[^,]+') do if name == phase then expected = true end end
if not expected then return {0, phase} end
local fence = tonumber(ARGV[8])
if fence > 0 and fence < tonumber(redis.call('GET', p .. ':fence') or '0') then return {-1, phase} end

-- Before the fields of a new attempt hide it.
local spent_before = to == 'queued' and cost() or 0
local time = redis.call('TIME')
local now = time[1] + time[2] / 1000000
local given = cjson.decode(ARGV[5])
count_times(p, id, phase, given)
local fields = {'op', op}
for name, value in pairs(given) do
  fields[#fields + 1] = name
  fields[#fields + 1] = value
end
redis.call('HSET', key, unpack(fields))
redis.call('HINCRBY', key, 'version', 1)

if to ~= '' and to ~= phase then
  redis.call('HSET', key, 'phase', to)
  -- A new attempt: its times and its cost are its own.
  if to == 'queued' and phase ~= 'received' then
    free(now, spent_before)
    for _, left in ipairs({'launching', 'starting', 'preparing', 'working', 'publishing', 'finishing'}) do
      redis.call('HDEL', key, 'at:' .. left)
    end
    redis.call('HDEL', key, 'cost_usd', 'cost_told')
  end
  if to == 'queued' and ARGV[10] ~= '' then
    -- Of a branch's pipeline, only intake knows the item.
    redis.call('ZADD', p .. ':item:' .. ARGV[10], id, id)
    redis.call('EXPIRE', p .. ':item:' .. ARGV[10], ARGV[12])
  end
  redis.call('HSETNX', key, 'at:' .. to, string.format('%.6f', now))
  local final = to == 'completed' or to == 'failed' or to == 'cancelled' or to == 'rejected'
  -- In the order of asking: of a crowd, the last is taken in first. A task that comes back keeps its place.
  local asked_at = redis.call('HGET', key, 'created_at')
  if to == 'queued' then redis.call('ZADD', p .. ':queue', 'NX', asked_at, id) else redis.call('ZREM', p .. ':queue', id) end
  if final then
    free(now, cost())
    if ARGV[11] == '1' then redis.call('ZREM', p .. ':item:' .. ARGV[10], id) end
    redis.call('HSETNX', key, 'ended_at', string.format('%.6f', now))
    count_end(p, id, now)
    redis.call('EXPIRE', key, ARGV[9])
    redis.call('ZREM', p .. ':deadlines', id)
  end
  phase = to
  if not final then redis.call('ZADD', p .. ':deadlines', now + ARGV[4], id) end
end
keep_lists(p, id)
if ARGV[6] ~= '' then redis.call('ZADD', p .. ':outbox', 'LT', now + ARGV[6], id) end
return {1, phase}
