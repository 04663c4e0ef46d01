-- The one compare-and-set of a task. ARGV: id, expected phases (comma-separated), new phase or '' (stay),
-- seconds to the deadline (0: none of its own), fields as JSON of strings, seconds until people are told or '' (not),
-- operation id, fencing number (0: none), seconds that a final task is kept.
-- Answers {1, phase} done (or done before by this very operation), {0, phase} not expected, {-1, phase} fenced off.
local p = KEYS[1]
local id, to, op = ARGV[1], ARGV[3], ARGV[7]
local key = p .. ':task:' .. id
local phase = redis.call('HGET', key, 'phase')
if not phase then return {0, ''} end
if redis.call('HGET', key, 'op') == op then return {1, phase} end
local expected = false
for name in string.gmatch(ARGV[2], '[^,]+') do if name == phase then expected = true end end
if not expected then return {0, phase} end
local fence = tonumber(ARGV[8])
if fence > 0 and fence < tonumber(redis.call('GET', p .. ':fence') or '0') then return {-1, phase} end

local time = redis.call('TIME')
local now = time[1] + time[2] / 1000000
local fields = {'op', op}
for name, value in pairs(cjson.decode(ARGV[5])) do
  fields[#fields + 1] = name
  fields[#fields + 1] = value
end
redis.call('HSET', key, unpack(fields))
redis.call('HINCRBY', key, 'version', 1)

if to ~= '' and to ~= phase then
  redis.call('HSET', key, 'phase', to)
  -- A new attempt: its times are its own, so that its deadlines are.
  if to == 'queued' and phase ~= 'received' then
    for _, left in ipairs({'launching', 'starting', 'preparing', 'working', 'publishing', 'finishing'}) do
      redis.call('HDEL', key, 'at:' .. left)
    end
  end
  redis.call('HSETNX', key, 'at:' .. to, string.format('%.6f', now))
  local final = to == 'completed' or to == 'failed' or to == 'cancelled' or to == 'rejected'
  -- A task that comes back keeps its place.
  local queued_at = redis.call('HGET', key, 'at:queued')
  if to == 'queued' then redis.call('ZADD', p .. ':queue', 'NX', queued_at, id) else redis.call('ZREM', p .. ':queue', id) end
  if final or to == 'queued' then
    redis.call('SREM', p .. ':slots', id)
    redis.call('SREM', p .. ':slots:project:' .. (redis.call('HGET', key, 'project_id') or '0'), id)
    redis.call('SREM', p .. ':slots:person:' .. (redis.call('HGET', key, 'requester_id') or '0'), id)
  end
  if final then
    redis.call('HSETNX', key, 'ended_at', string.format('%.6f', now))
    redis.call('EXPIRE', key, ARGV[9])
    redis.call('EXPIRE', p .. ':log:' .. id, ARGV[9])
    redis.call('ZREM', p .. ':deadlines', id)
  end
  phase = to
  if not final then redis.call('ZADD', p .. ':deadlines', now + ARGV[4], id) end
end
if ARGV[6] ~= '' then redis.call('ZADD', p .. ':outbox', 'LT', now + ARGV[6], id) end
return {1, phase}
