-- Count a task for the person who asks for it, unless it would be one too many of the last hour. ARGV: person, task,
-- most tasks an hour. Answers '0' where it counts (or did before), else when the next may be asked for, in Unix seconds.
local key = KEYS[1] .. ':asked:' .. ARGV[1]
local time = redis.call('TIME')
local now = time[1] + time[2] / 1000000
redis.call('ZREMRANGEBYSCORE', key, '-inf', now - 3600)
if redis.call('ZSCORE', key, ARGV[2]) then return '0' end
local count, most = redis.call('ZCARD', key), tonumber(ARGV[3])
if count >= most then
  local frees = redis.call('ZRANGE', key, count - most, count - most, 'WITHSCORES')
  return string.format('%.6f', frees[2] + 3600)
end
redis.call('ZADD', key, now, ARGV[2])
redis.call('EXPIRE', key, 3600)
return '0'
