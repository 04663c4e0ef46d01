-- May one more thing be written on GitLab now? ARGV: task id, most writes in any minute, seconds between two writes of
-- this kind for the task (0: no matter), operation id. Counts it and answers '0', or answers the seconds to wait.
local p = KEYS[1]
local most, pause, op = tonumber(ARGV[2]), tonumber(ARGV[3]), ARGV[4]
local writes, paced = p .. ':writes', p .. ':paced:' .. ARGV[1]
local time = redis.call('TIME')
local now = time[1] + time[2] / 1000000
if redis.call('ZSCORE', writes, op) then return '0' end
redis.call('ZREMRANGEBYSCORE', writes, '-inf', now - 60)
if pause > 0 then
  local left = redis.call('PTTL', paced)
  if left > 0 then return tostring(left / 1000) end
end
local count = redis.call('ZCARD', writes)
if count >= most then
  -- When so many of the oldest have left that there is room again.
  local leaves = redis.call('ZRANGE', writes, count - most, count - most, 'WITHSCORES')[2]
  return tostring(math.max(0.05, leaves + 60 - now))
end
redis.call('ZADD', writes, now, op)
redis.call('EXPIRE', writes, 61)
if pause > 0 then redis.call('SET', paced, '1', 'PX', math.ceil(pause * 1000)) end
return '0'
